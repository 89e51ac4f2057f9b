#include "rpc/protocol.h"

#include <gtest/gtest.h>

namespace fluxgate::rpc {
namespace {

TEST(Protocol, FindsEachRevisionByItsNameAndNothingElse) {
    for (const Protocol& protocol : all_protocols()) {
        EXPECT_EQ(find_protocol(protocol.name), &protocol);
        EXPECT_EQ(&protocol_of(protocol.revision), &protocol);
    }
    for (const char* name : {"", "2025-06-18 ", "2025-6-18", "2024-10-07", "2026-07-2", "latest",
                             "2025-11-25\n", "2025-11-2", "2026-07-28 "}) {
        EXPECT_EQ(find_protocol(name), nullptr) << name;
    }
}

TEST(Protocol, ListsTheOldestFirst) {
    for (size_t i = 1; i < all_protocols().size(); ++i) {
        EXPECT_LT(all_protocols()[i - 1].name, all_protocols()[i].name);
    }
    EXPECT_EQ(all_protocols().size(), revision_count);
    EXPECT_EQ(&stateless_protocol(), &all_protocols().back());
    EXPECT_EQ(&latest_legacy(), &stateless_protocol() - 1);
}

TEST(Protocol, SaysWhatDiffers) {
    EXPECT_EQ(default_protocol().name, "2025-03-26");
    int with_batches = 0;
    for (const Protocol& protocol : all_protocols()) {
        with_batches += protocol.batches ? 1 : 0;
        EXPECT_EQ(protocol.structured_content, protocol.name >= "2025-06-18");
        EXPECT_EQ(protocol.titles, protocol.name >= "2025-06-18");
        EXPECT_EQ(protocol.tool_annotations, protocol.name >= "2025-03-26");
        EXPECT_EQ(protocol.null_error_id, protocol.name < "2025-11-25");
        EXPECT_EQ(protocol.unknown_method_is_404, protocol.name >= "2026-07-28");
        EXPECT_EQ(protocol.is_stateless, protocol.name >= "2026-07-28");
        EXPECT_EQ(protocol.icons, protocol.name >= "2025-11-25");
        EXPECT_EQ(protocol.resource_links, protocol.name >= "2025-06-18");
        EXPECT_EQ(protocol.stream_priming, protocol.name == "2025-11-25");
        EXPECT_EQ(protocol.resource_not_found, protocol.is_stateless ? -32602 : -32002);
    }
    EXPECT_EQ(with_batches, 1);
    EXPECT_TRUE(default_protocol().batches);
}

}  // namespace
}  // namespace fluxgate::rpc
