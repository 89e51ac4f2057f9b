#include "loop/frame_arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "loop/sanitizer.h"

namespace fluxgate::loop {
namespace {

TEST(FrameArena, AWarmFrameCostsNoMalloc) {
    if (address_sanitizer) GTEST_SKIP() << "nothing is kept under AddressSanitizer";
    void* frame = frame_arena::allocate(300);
    frame_arena::release(frame, 300);
    const size_t before = frame_arena::mallocs();
    for (int i = 0; i < 100; ++i) {
        void* again = frame_arena::allocate(290);  // the same bin
        EXPECT_EQ(again, frame);
        frame_arena::release(again, 290);
    }
    EXPECT_EQ(frame_arena::mallocs(), before);
}

TEST(FrameArena, FramesOfEverySizeAreSeparateAndAligned) {
    std::vector<std::pair<unsigned char*, size_t>> frames;
    for (size_t bytes = 1; bytes <= frame_arena::binned_bytes_max + 200; bytes += 61) {
        auto* frame = static_cast<unsigned char*>(frame_arena::allocate(bytes));
        ASSERT_EQ(reinterpret_cast<uintptr_t>(frame) % alignof(std::max_align_t), 0U);
        std::memset(frame, static_cast<int>(bytes % 251), bytes);
        frames.emplace_back(frame, bytes);
    }
    for (const auto& [frame, bytes] : frames) {
        for (size_t i = 0; i < bytes; ++i) {
            ASSERT_EQ(frame[i], bytes % 251);
        }
        frame_arena::release(frame, bytes);
    }
}

TEST(FrameArena, CountsWhatIsAlive) {
    const size_t before = frame_arena::live();
    void* small = frame_arena::allocate(64);
    void* large = frame_arena::allocate(frame_arena::binned_bytes_max + 1);
    EXPECT_EQ(frame_arena::live(), before + 2);
    frame_arena::release(small, 64);
    frame_arena::release(large, frame_arena::binned_bytes_max + 1);
    EXPECT_EQ(frame_arena::live(), before);
}

TEST(FrameArena, KeepsNoMoreThanItsBound) {
    if (address_sanitizer) GTEST_SKIP() << "nothing is kept under AddressSanitizer";
    constexpr size_t bytes = 4096;
    constexpr size_t count = frame_arena::kept_bytes_max / bytes + 100;
    std::vector<void*> frames;
    for (size_t i = 0; i < count; ++i) {
        frames.push_back(frame_arena::allocate(bytes));
    }
    for (void* frame : frames) {
        frame_arena::release(frame, bytes);
    }
    EXPECT_LE(frame_arena::kept_bytes(), frame_arena::kept_bytes_max);
    EXPECT_GT(frame_arena::kept_bytes(), frame_arena::kept_bytes_max / 2);
    frame_arena::trim();
    EXPECT_EQ(frame_arena::kept_bytes(), 0U);
}

TEST(FrameArena, EachThreadHasItsOwnAndGivesItBackAtItsEnd) {
    std::thread([] {
        EXPECT_EQ(frame_arena::live(), 0U);
        EXPECT_EQ(frame_arena::mallocs(), 0U);
        void* frame = frame_arena::allocate(100);
        EXPECT_EQ(frame_arena::mallocs(), 1U);
        frame_arena::release(frame, 100);
        // LeakSanitizer sees what the thread's end does not free.
    }).join();
}

TEST(FrameArenaDeathTest, AbortsWhenAFrameIsReleasedOnAnotherThread) {
    EXPECT_DEATH(
        {
            void* frame = frame_arena::allocate(100);
            std::thread([frame] { frame_arena::release(frame, 100); }).join();
        },
        "live != 0");
}

TEST(FrameArenaDeathTest, AbortsOnTrimWithALeakedFrame) {
    EXPECT_DEATH(
        {
            void* leaked = frame_arena::allocate(100);
            static_cast<void>(leaked);
            frame_arena::trim();
        },
        "live == 0");
}

}  // namespace
}  // namespace fluxgate::loop
