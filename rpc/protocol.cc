#include "rpc/protocol.h"

#include <array>
#include <cstddef>

namespace fluxgate::rpc {

namespace {

// In the order of Revision.
constexpr std::array protocols = {
    Protocol{.revision = Revision::r2024_11_05,
             .name = "2024-11-05",
             .batches = false,
             .structured_content = false,
             .titles = false,
             .tool_annotations = false,
             .null_error_id = true,
             .unknown_method_is_404 = false,
             .is_stateless = false,
             .completions = false,
             .icons = false,
             .resource_links = false,
             .stream_priming = false,
             .resource_not_found = -32002},
    Protocol{.revision = Revision::r2025_03_26,
             .name = "2025-03-26",
             .batches = true,
             .structured_content = false,
             .titles = false,
             .tool_annotations = true,
             .null_error_id = true,
             .unknown_method_is_404 = false,
             .is_stateless = false,
             .completions = true,
             .icons = false,
             .resource_links = false,
             .stream_priming = false,
             .resource_not_found = -32002},
    Protocol{.revision = Revision::r2025_06_18,
             .name = "2025-06-18",
             .batches = false,
             .structured_content = true,
             .titles = true,
             .tool_annotations = true,
             .null_error_id = true,
             .unknown_method_is_404 = false,
             .is_stateless = false,
             .completions = true,
             .icons = false,
             .resource_links = true,
             .stream_priming = false,
             .resource_not_found = -32002},
    Protocol{.revision = Revision::r2025_11_25,
             .name = "2025-11-25",
             .batches = false,
             .structured_content = true,
             .titles = true,
             .tool_annotations = true,
             .null_error_id = false,
             .unknown_method_is_404 = false,
             .is_stateless = false,
             .completions = true,
             .icons = true,
             .resource_links = true,
             .stream_priming = true,
             .resource_not_found = -32002},
    Protocol{.revision = Revision::r2026_07_28,
             .name = "2026-07-28",
             .batches = false,
             .structured_content = true,
             .titles = true,
             .tool_annotations = true,
             .null_error_id = false,
             .unknown_method_is_404 = true,
             .is_stateless = true,
             .completions = true,
             .icons = true,
             .resource_links = true,
             .stream_priming = false,
             .resource_not_found = -32602},
};
static_assert(protocols.size() == revision_count);

}  // namespace

const Protocol& protocol_of(Revision revision) {
    return protocols[static_cast<size_t>(revision)];
}

const Protocol* find_protocol(std::string_view name) {
    for (const Protocol& protocol : protocols) {
        if (protocol.name == name) return &protocol;
    }
    return nullptr;
}

std::span<const Protocol> all_protocols() {
    return protocols;
}

const Protocol& latest_legacy() {
    return protocol_of(Revision::r2025_11_25);
}

const Protocol& stateless_protocol() {
    return protocol_of(Revision::r2026_07_28);
}

const Protocol& default_protocol() {
    return protocol_of(Revision::r2025_03_26);
}

}  // namespace fluxgate::rpc
