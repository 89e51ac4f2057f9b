#include "loop/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace fluxgate::loop {
namespace {

TEST(Arena, AWarmRequestMallocsNothing) {
    if (address_sanitizer) GTEST_SKIP() << "nothing is kept under AddressSanitizer";
    Arena arena;
    static_cast<void>(arena.allocate(1));
    arena.reset();
    const size_t before = block_pool::mallocs();
    for (int request = 0; request < 100; ++request) {
        for (int i = 0; i < 50; ++i) {
            static_cast<void>(arena.allocate(100));
        }
        arena.reset();
    }
    EXPECT_EQ(block_pool::mallocs(), before);
}

TEST(Arena, PiecesAreAlignedAndDoNotOverlap) {
    Arena arena;
    std::mt19937_64 random(3);
    struct Piece {
        unsigned char* memory;
        size_t bytes;
        unsigned char mark;
    };
    std::vector<Piece> pieces;
    for (int i = 0; i < 3000; ++i) {
        const size_t bytes = random() % 200 == 0 ? random() % 40'000 : random() % 300;
        const size_t alignment = size_t{1} << random() % 8;
        auto* memory = static_cast<unsigned char*>(arena.allocate(bytes, alignment));
        ASSERT_NE(memory, nullptr);
        ASSERT_EQ(reinterpret_cast<uintptr_t>(memory) % alignment, 0U);
        const auto mark = static_cast<unsigned char>(i);
        std::memset(memory, mark, bytes);
        pieces.push_back({memory, bytes, mark});
    }
    for (const Piece& piece : pieces) {
        for (size_t i = 0; i < piece.bytes; ++i) {
            ASSERT_EQ(piece.memory[i], piece.mark);
        }
    }
}

TEST(Arena, WhatIsLargerThanABlockGetsItsOwnAndLeavesTheRestUsable) {
    Arena arena;
    char* before = static_cast<char*>(arena.allocate(16));
    auto large = arena.array<char>(Arena::block_bytes * 3);
    char* after = static_cast<char*>(arena.allocate(16));
    EXPECT_EQ(large.size(), Arena::block_bytes * 3);
    large.front() = 'a';
    large.back() = 'z';
    EXPECT_LT(after - before, 64);
    EXPECT_GT(after, before);
    EXPECT_EQ(arena.bytes_allocated(), 32 + Arena::block_bytes * 3);
}

TEST(Arena, SizesAroundTheBlockLimitWork) {
    for (size_t bytes = Arena::block_bytes - 80; bytes < Arena::block_bytes + 16; ++bytes) {
        Arena arena;
        auto all = arena.array<char>(bytes);
        all.back() = 'z';
        static_cast<void>(arena.allocate(1));
    }
}

TEST(Arena, ZeroBytesAreNotNull) {
    Arena arena;
    EXPECT_NE(arena.allocate(0), nullptr);
    EXPECT_NE(arena.array<int>(0).data(), nullptr);
}

TEST(Arena, StringsAreFollowedByANul) {
    Arena arena;
    const std::string_view copied = arena.copy("abc");
    EXPECT_EQ(copied, "abc");
    EXPECT_EQ(copied.data()[3], '\0');
    const std::string_view joined = arena.join({"SELECT ", "", "1"});
    EXPECT_EQ(joined, "SELECT 1");
    EXPECT_EQ(std::strlen(joined.data()), joined.size());
    EXPECT_EQ(arena.copy("").size(), 0U);
    EXPECT_EQ(*arena.copy({}).data(), '\0');
    EXPECT_EQ(arena.join({}).size(), 0U);
    const std::string large(Arena::block_bytes * 2, 'x');
    EXPECT_EQ(arena.copy(large), large);
}

TEST(Arena, CreateAndArrayInitialise) {
    struct Point {
        int x;
        int y;
    };
    Arena arena;
    const Point* point = arena.create<Point>(1, 2);
    EXPECT_EQ(point->x + point->y, 3);
    std::memset(arena.allocate(256), 0xff, 256);
    arena.reset();
    for (int value : arena.array<int>(32)) {
        EXPECT_EQ(value, 0);
    }
}

TEST(Arena, ResetStartsAgain) {
    Arena arena;
    static_cast<void>(arena.allocate(5000));
    arena.reset();
    EXPECT_EQ(arena.bytes_allocated(), 0U);
    arena.reset();
    static_cast<void>(arena.allocate(1));
    EXPECT_EQ(arena.bytes_allocated(), 1U);
}

TEST(BlockPool, KeepsNoMoreThanItsBound) {
    if (address_sanitizer) GTEST_SKIP() << "nothing is kept under AddressSanitizer";
    std::vector<void*> blocks;
    for (size_t i = 0; i < block_pool::kept_blocks_max + 50; ++i) {
        blocks.push_back(block_pool::take());
    }
    for (void* block : blocks) {
        block_pool::give(block);
    }
    EXPECT_EQ(block_pool::kept(), block_pool::kept_blocks_max);
    block_pool::trim();
    EXPECT_EQ(block_pool::kept(), 0U);
}

TEST(BlockPool, ABlockMayEndOnAnotherThread) {
    void* block = block_pool::take();
    std::thread([block] { block_pool::give(block); }).join();
}

#if FLUX_ASAN
TEST(ArenaDeathTest, AnAccessBehindAPieceIsSeen) {
    Arena arena;
    EXPECT_DEATH(
        {
            auto* memory = static_cast<volatile char*>(arena.allocate(16, 1));
            memory[16] = 'x';
        },
        "use-after-poison");
}
#endif

TEST(ArenaDeathTest, AbortsOnACountThatOverflows) {
    Arena arena;
    EXPECT_DEATH(static_cast<void>(arena.array<uint64_t>(SIZE_MAX / 4)), "check failed");
}

}  // namespace
}  // namespace fluxgate::loop
