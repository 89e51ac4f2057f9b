#include "http/sse.h"

#include <gtest/gtest.h>

#include <string>

namespace fluxgate::http {
namespace {

std::string written(const SseEvent& event, std::string_view data) {
    loop::BlockChain out;
    append_event(out, event, data);
    return out.to_string();
}

TEST(Sse, WritesAnEvent) {
    EXPECT_EQ(written({}, "{}"), "event: message\ndata: {}\n\n");
    EXPECT_EQ(written({.name = "endpoint", .id = {}}, "/mcp"), "event: endpoint\ndata: /mcp\n\n");
    EXPECT_EQ(written({.name = "message", .id = "v1.a.b"}, "{}"),
              "event: message\nid: v1.a.b\ndata: {}\n\n");
    EXPECT_EQ(written({}, ""), "event: message\ndata: \n\n");
}

TEST(Sse, KeepsDataOnOneLine) {
    EXPECT_EQ(written({}, "a\nb\rc\r\nd"), "event: message\ndata: a b c  d\n\n");
    EXPECT_EQ(written({}, "\n\ndata: x\n\n"), "event: message\ndata:   data: x  \n\n");
    EXPECT_EQ(written({}, "\n"), "event: message\ndata:  \n\n");
}

TEST(Sse, WritesAChainAsItsText) {
    for (const size_t bytes : {size_t{0}, size_t{1}, size_t{100'000}}) {
        std::string text(bytes, 'x');
        for (size_t at = 0; at < bytes; at += 7)
            text[at] = at % 2 == 0 ? '\n' : '\r';
        loop::BlockChain data;
        data.append(text);
        loop::BlockChain out;
        append_event(out, {.name = "message", .id = "7"}, data);
        EXPECT_EQ(out.to_string(), written({.name = "message", .id = "7"}, text));
        EXPECT_EQ(data.size(), bytes);  // as it was
    }
}

TEST(Sse, PrimesWithoutData) {
    loop::BlockChain out;
    append_priming(out, "v1.x", 5000);
    EXPECT_EQ(out.to_string(), "id: v1.x\nretry: 5000\ndata: \n\n");
}

TEST(Sse, KeepsAliveWithACommentOnly) {
    EXPECT_TRUE(sse_keep_alive.starts_with(":"));
    EXPECT_TRUE(sse_keep_alive.ends_with("\n\n"));
    EXPECT_EQ(sse_keep_alive.find('\n'), sse_keep_alive.size() - 2);
}

TEST(Sse, IsNeitherCachedNorCollected) {
    const Response head = sse_head();
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.content_type, "text/event-stream");
    std::string fields;
    for (size_t i = 0; i < head.extra_count; ++i) {
        fields += std::string(head.extra[i].name) + "=" + std::string(head.extra[i].value) + ";";
    }
    EXPECT_EQ(fields, "Cache-Control=no-cache, no-transform;X-Accel-Buffering=no;");
}

}  // namespace
}  // namespace fluxgate::http
