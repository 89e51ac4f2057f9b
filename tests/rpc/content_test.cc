#include "rpc/content.h"

#include <gtest/gtest.h>

#include <string>

#include "loop/arena.h"
#include "rpc/json_reader.h"
#include "rpc/json_writer.h"
#include "tests/rpc/padded.h"

namespace fluxgate::rpc {
namespace {

// Peers' texts reach all of it: what would end a string early, or a line.
constexpr std::string_view nasty = "a\"b\\c\n\x01</x>\xE2\x80\xA8";
constexpr std::string_view escaped = "a\\\"b\\\\c\\n\\u0001</x>\xE2\x80\xA8";

template <class Append>
std::string written(Append&& append) {
    loop::BlockChain out;
    append(out);
    return out.to_string();
}

TEST(Content, EscapesTexts) {
    EXPECT_EQ(written([](auto& out) { append_text_item(out, nasty); }),
              R"({"type":"text","text":")" + std::string(escaped) + R"("})");
    EXPECT_EQ(written([](auto& out) { append_text_item(out, ""); }),
              R"({"type":"text","text":""})");
    EXPECT_EQ(
        written([](auto& out) { append_text_contents(out, "u://\"", "text/plain", nasty); }),
        R"({"uri":"u://\"","mimeType":"text/plain","text":")" + std::string(escaped) + R"("})");
}

TEST(Content, WritesBinaries) {
    EXPECT_EQ(written([](auto& out) { append_image_item(out, "aGk=", "image/png"); }),
              R"({"type":"image","data":"aGk=","mimeType":"image/png"})");
    EXPECT_EQ(written([](auto& out) { append_audio_item(out, "", "audio/wav"); }),
              R"({"type":"audio","data":"","mimeType":"audio/wav"})");
    EXPECT_EQ(written([](auto& out) { append_blob_contents(out, "u://1", "image/png", "aGk="); }),
              R"({"uri":"u://1","mimeType":"image/png","blob":"aGk="})");
}

TEST(Content, WritesEmbeddedResourcesAndLinks) {
    EXPECT_EQ(written([](auto& out) { append_embedded_text(out, "u://1", "text/plain", nasty); }),
              R"({"type":"resource","resource":{"uri":"u://1","mimeType":"text/plain","text":")" +
                  std::string(escaped) + R"("}})");
    EXPECT_EQ(written([](auto& out) { append_resource_link(out, "u://1", "n\"", "text/plain"); }),
              R"({"type":"resource_link","uri":"u://1","name":"n\"","mimeType":"text/plain"})");
}

TEST(Content, TakesATextThatIsEscapedAsItIs) {
    const auto text = [] {
        loop::BlockChain chain;
        append_escaped<Escape::once>(chain, nasty);
        return chain;
    };
    EXPECT_EQ(
        written([&](auto& out) { append_escaped_contents(out, "u://1", "text/plain", text()); }),
        written([](auto& out) { append_text_contents(out, "u://1", "text/plain", nasty); }));
    EXPECT_EQ(
        written([&](auto& out) { append_embedded_escaped(out, "u://1", "text/plain", text()); }),
        written([](auto& out) { append_embedded_text(out, "u://1", "text/plain", nasty); }));
}

TEST(Content, WritesMessagesOfBothRoles) {
    for (const Role role : {Role::user, Role::assistant}) {
        loop::BlockChain item;
        append_text_item(item, "x");
        EXPECT_EQ(written([&](auto& out) { append_message(out, role, std::move(item)); }),
                  R"({"role":")" + std::string(role == Role::user ? "user" : "assistant") +
                      R"(","content":{"type":"text","text":"x"}})");
    }
}

TEST(Content, OfEveryKindIsJson) {
    const std::string large(200'000, 'x');
    loop::BlockChain out;
    out.append('[');
    append_text_item(out, large);
    out.append(',');
    append_image_item(out, large, nasty);
    out.append(',');
    append_resource_link(out, nasty, nasty, nasty);
    out.append(',');
    loop::BlockChain item;
    append_embedded_text(item, nasty, nasty, large);
    append_message(out, Role::user, std::move(item));
    out.append(']');
    loop::Arena arena;
    JsonReader reader(1'000'000);
    const test::Padded text(out.to_string());
    const auto document = reader.read(text.view(), arena);
    ASSERT_TRUE(document.has_value());
    EXPECT_EQ((*document)->count, 4U);
}

}  // namespace
}  // namespace fluxgate::rpc
