#include "loop/secret.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <concepts>
#include <cstring>
#include <memory>
#include <new>
#include <sstream>
#include <string>
#include <utility>

#include "loop/sanitizer.h"

namespace fluxgate::loop {
namespace {

static_assert(!std::convertible_to<Secret, std::string>);
static_assert(!std::convertible_to<Secret, std::string_view>);
static_assert(!std::convertible_to<std::string, Secret>);
static_assert(!std::equality_comparable<Secret>);
template <class T>
concept Printable = requires(std::ostringstream& out, const T& value) { out << value; };
static_assert(!Printable<Secret>);

TEST(Secret, MovesCopiesAndCompares) {
    Secret secret(std::string("token"));
    Secret copy = secret;
    EXPECT_TRUE(copy.equals("token"));
    EXPECT_FALSE(copy.equals("tokem"));
    EXPECT_FALSE(copy.equals(""));
    const Secret moved = std::move(secret);
    EXPECT_EQ(moved.reveal(), "token");
    EXPECT_TRUE(secret.empty());  // NOLINT(bugprone-use-after-move)
    copy = Secret();
    EXPECT_TRUE(copy.empty());
    copy = moved;
    const Secret& same = copy;
    copy = same;
    EXPECT_EQ(copy.reveal(), "token");
}

bool holds(const unsigned char* memory, size_t bytes, std::string_view text) {
    return std::search(memory, memory + bytes, text.begin(), text.end()) != memory + bytes;
}

TEST(Secret, LeavesNothingInItsOwnBytes) {
    // Short enough for the string's own buffer, which is where moves leave copies behind.
    alignas(Secret) std::array<unsigned char, sizeof(Secret)> memory{};
    auto* secret = new (memory.data()) Secret(std::string("short-token"));
    ASSERT_TRUE(holds(memory.data(), memory.size(), "short-token"));
    Secret moved = std::move(*secret);
    EXPECT_FALSE(holds(memory.data(), memory.size(), "short"));
    *secret = std::move(moved);
    *secret = Secret(std::string("x"));
    EXPECT_FALSE(holds(memory.data(), memory.size(), "token"));
    std::destroy_at(secret);
    EXPECT_FALSE(holds(memory.data(), memory.size(), "x"));
}

TEST(Secret, WipeOverwritesTheCapacityToo) {
    std::string text(100, 'k');
    const char* memory = text.data();
    text.resize(3);
    wipe(text);
    EXPECT_TRUE(text.empty());
    ASSERT_EQ(text.data(), memory);
    EXPECT_TRUE(std::all_of(memory, memory + 100, [](char byte) { return byte == '\0'; }));
}

}  // namespace
}  // namespace fluxgate::loop
