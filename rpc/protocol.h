// Everything that differs by protocol revision, in one table. Code asks the table, never compares
// dates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace fluxgate::rpc {

enum class Revision : uint8_t {
    r2024_11_05,
    r2025_03_26,
    r2025_06_18,
    r2025_11_25,
    r2026_07_28,
};

inline constexpr size_t revision_count = 5;

struct Protocol {
    Revision revision;
    std::string_view name;    // as on the wire
    bool batches;             // JSON-RPC arrays are allowed
    bool structured_content;  // outputSchema and structuredContent
    bool titles;              // title beside name
    bool tool_annotations;
    bool null_error_id;          // a parse error's id is null (else it is left out)
    bool unknown_method_is_404;  // HTTP status of -32601
    // Every request says all that it needs in params._meta; no handshake, session, GET stream.
    bool is_stateless;
    bool completions;        // as a capability; the method is older
    bool icons;              // of tools, resources, prompts, and of the server
    bool resource_links;     // as content items
    bool stream_priming;     // a stream begins with an event without data, and may be hung up
    int resource_not_found;  // the JSON-RPC code
};

[[nodiscard]] const Protocol& protocol_of(Revision revision);
[[nodiscard]] std::span<const Protocol> all_protocols();             // oldest first
[[nodiscard]] const Protocol* find_protocol(std::string_view name);  // null: not served
[[nodiscard]] const Protocol& latest_legacy();  // offered when the client's is unknown
[[nodiscard]] const Protocol& stateless_protocol();
// What a request without MCP-Protocol-Version is taken for (2025-03-26, transports, 2025-06-18
// revision).
[[nodiscard]] const Protocol& default_protocol();

}  // namespace fluxgate::rpc
