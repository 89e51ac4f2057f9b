// What the tests of signed values share: keys, and every small change of a value.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "rpc/signed_value.h"

namespace fluxgate::test {

inline constexpr std::string_view signer_key = "0123456789abcdef0123456789abcdef";
inline constexpr std::string_view other_signer_key = "0123456789abcdef0123456789abcdeg";
inline constexpr std::string_view signed_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

inline http::Principal make_principal(std::string subject, std::string key_id) {
    http::Principal principal;
    principal.subject = std::move(subject);
    principal.key_id = std::move(key_id);
    return principal;
}

inline rpc::PrincipalDigest digest_of_subject(std::string_view subject) {
    const http::Principal principal = make_principal(std::string(subject), "key-1");
    return rpc::digest_of(&principal);
}

// `is_refused` is asked about `value` with each character changed to each other one of the
// alphabet, left out, or put in twice, and about each beginning, end and swap of its parts.
template <class IsRefused>
void expect_every_change_refused(const std::string& value, IsRefused&& is_refused) {
    ASSERT_FALSE(is_refused(value));
    for (size_t at = 0; at < value.size(); ++at) {
        for (const char other : signed_alphabet) {
            if (other == value[at]) continue;
            std::string changed = value;
            changed[at] = other;
            EXPECT_TRUE(is_refused(changed)) << "changed at " << at << " to " << other;
        }
        EXPECT_TRUE(is_refused(std::string(value).erase(at, 1))) << "left out at " << at;
        EXPECT_TRUE(is_refused(std::string(value).insert(at, 1, value[at]))) << "twice at " << at;
        EXPECT_TRUE(is_refused(value.substr(0, at))) << "the first " << at;
        if (at > 0) {
            EXPECT_TRUE(is_refused(value.substr(at))) << "without the first " << at;
        }
    }
    for (const std::string_view more : {"A", "AA", "AAAA", ".", "=", "==", " ", "\n", "%00"}) {
        EXPECT_TRUE(is_refused(value + std::string(more))) << "with more behind";
        EXPECT_TRUE(is_refused(std::string(more) + value)) << "with more before";
    }
    EXPECT_TRUE(is_refused(value + std::string(1, '\0')));
    EXPECT_TRUE(is_refused(value + value));
    EXPECT_TRUE(is_refused("v2" + value.substr(2)));
    EXPECT_TRUE(is_refused("V1" + value.substr(2)));
    EXPECT_TRUE(is_refused(value + std::string(rpc::signed_value_bytes_max, 'A')));
}

}  // namespace fluxgate::test
