#include "rpc/cursor.h"

#include "rpc/big_endian.h"
#include "rpc/payload_bytes.h"

namespace fluxgate::rpc {

namespace {

constexpr uint8_t payload_version = 1;

// What a cursor begins with that is good for this caller and list; the entry's name follows.
std::string payload_head(std::string_view list, const PrincipalDigest& principal) {
    std::string head;
    head += static_cast<char>(payload_version);
    head += as_text(principal);
    head += BigEndian<uint64_t>(list.size()).view();
    head += list;
    return head;
}

}  // namespace

std::string make_cursor(const Signer& signer, std::string_view list,
                        const PrincipalDigest& principal, std::string_view last) {
    std::string payload = payload_head(list, principal);
    payload += last;
    return signer.sign(Purpose::cursor, payload);
}

std::optional<std::string> read_cursor(const Signer& signer, std::string_view list,
                                       const PrincipalDigest& principal, std::string_view cursor) {
    const std::optional<std::string> payload = signer.verify(Purpose::cursor, cursor);
    const std::string head = payload_head(list, principal);
    if (!payload || !payload->starts_with(head)) return std::nullopt;
    return payload->substr(head.size());
}

}  // namespace fluxgate::rpc
