// The checks of a request head that llhttp does not make: RFC 9112 sections 3.2, 5 and 6, RFC 9110
// section 10.1.1, and our own rule of one credential a request.
//
// Pure functions over views; no llhttp, no state. The parser calls them once, when the head is
// complete.
#pragma once

#include <optional>
#include <string_view>

#include "http/request.h"
#include "http/verdict.h"

namespace fluxgate::http {

// Which of the fields that the gateway reads itself, or Field::count.
[[nodiscard]] Field field_of(std::string_view name);

// host [":" port] of RFC 3986 3.2, as Host and as an absolute-form target may have it: no user
// information, no list, a port of at most 65535. A registered name, an IPv4 address, or "[" IPv6
// "]".
[[nodiscard]] bool is_valid_authority(std::string_view text);

struct HeadFacts {
    bool chunked = false;
    bool expects_continue = false;
};

// `request` has method, version and fields, `target` is the raw request target. Fills path, query,
// authority, known and known_count; returns the first fault.
[[nodiscard]] std::optional<Verdict> check_head(Request& request, std::string_view target,
                                                HeadFacts& facts);

}  // namespace fluxgate::http
