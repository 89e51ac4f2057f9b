#include "http/sse.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

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
        for (const size_t step : {size_t{7}, size_t{90'000}, bytes + 1}) {  // the last: no breaks
            std::string text(bytes, 'x');
            for (size_t at = step - 1; at < bytes; at += step)
                text[at] = at % 2 == 0 ? '\n' : '\r';
            loop::BlockChain data;
            data.append(text);
            loop::BlockChain out;
            append_event(out, {.name = "message", .id = "7"}, std::move(data));
            EXPECT_EQ(out.to_string(), written({.name = "message", .id = "7"}, text));
        }
    }
}

TEST(Sse, DoesNotCopyALargeChainOfOneLine) {
    const auto place_of = [](const loop::BlockChain& chain) {
        const char* place = nullptr;
        chain.for_each([&place](std::string_view piece) {
            if (piece.size() > 1'000 && place == nullptr) place = piece.data();
        });
        return place;
    };
    loop::BlockChain data;
    data.append(std::string(100'000, 'x'));
    const char* before = place_of(data);
    ASSERT_NE(before, nullptr);
    loop::BlockChain out;
    append_event(out, {}, std::move(data));
    EXPECT_EQ(place_of(out), before);
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
