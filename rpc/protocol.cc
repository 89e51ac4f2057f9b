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
             .is_stateless = false},
    Protocol{.revision = Revision::r2025_03_26,
             .name = "2025-03-26",
             .batches = true,
             .structured_content = false,
             .titles = false,
             .tool_annotations = true,
             .null_error_id = true,
             .unknown_method_is_404 = false,
             .is_stateless = false},
    Protocol{.revision = Revision::r2025_06_18,
             .name = "2025-06-18",
             .batches = false,
             .structured_content = true,
             .titles = true,
             .tool_annotations = true,
             .null_error_id = true,
             .unknown_method_is_404 = false,
             .is_stateless = false},
    Protocol{.revision = Revision::r2025_11_25,
             .name = "2025-11-25",
             .batches = false,
             .structured_content = true,
             .titles = true,
             .tool_annotations = true,
             .null_error_id = false,
             .unknown_method_is_404 = false,
             .is_stateless = false},
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

const Protocol& default_protocol() {
    return protocol_of(Revision::r2025_03_26);
}

}  // namespace fluxgate::rpc
