// params._meta of a request: the envelope in which a stateless one says what a handshake said
// before (revision 2026-07-28, "Request metadata"), and the progress token of all revisions.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string_view>

#include "rpc/call_context.h"
#include "rpc/json.h"

namespace fluxgate::rpc {

namespace meta_key {
inline constexpr std::string_view protocol_version = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view client_capabilities =
    "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view log_level = "io.modelcontextprotocol/logLevel";
inline constexpr std::string_view progress_token = "progressToken";
}  // namespace meta_key

// Of a string, unescaped, or of a number: each notification repeats it.
inline constexpr size_t progress_token_bytes_max = 256;

// What a stateless request says about itself; of a legacy one only the token.
struct Envelope {
    ClientCapabilities capabilities;
    std::optional<LogLevel> log_level;  // none: no notifications/message
    std::string_view progress_token;    // the raw JSON token (string or integer); empty: none
};

// The members of params._meta that count; null where they are absent.
struct RequestMeta {
    const Json* protocol_version = nullptr;  // there: the message claims to be stateless
    const Json* client_capabilities = nullptr;
    const Json* log_level = nullptr;
    const Json* progress_token = nullptr;
};

// `params` may be null, and of any kind.
[[nodiscard]] RequestMeta find_meta(const Json* params);

// All but the protocol version; or what is wrong, as a static text.
[[nodiscard]] std::expected<Envelope, std::string_view> read_envelope(const RequestMeta& meta);

// The raw JSON token; empty if there is none, or it is no string or integer, or too long.
[[nodiscard]] std::string_view read_progress_token(const RequestMeta& meta);

// A ClientCapabilities object of either era (also params.capabilities of initialize); what is no
// object declares nothing. `elicitation: {}` means forms.
[[nodiscard]] ClientCapabilities read_capabilities(const Json* declared);

}  // namespace fluxgate::rpc
