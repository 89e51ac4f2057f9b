#include "loop/buf_ring.h"

#include <gtest/gtest.h>

#include "loop/sanitizer.h"
#include "tests/loop/loop_fixture.h"

namespace fluxgate::loop {
namespace {

using namespace std::chrono_literals;
using test::make_loop;

struct Parked {
    explicit Parked(std::vector<int>* order, int number) : woken(order), name(number) {}
    void wake() { woken->push_back(name); }
    std::vector<int>* woken;
    int name;
    Bound<Starved, &Parked::wake> starved{this};
};

std::unique_ptr<BufRing> make_buffers(Loop& loop, uint32_t slots) {
    auto made = BufRing::create(loop, {.slots = slots});
    if (!made) std::abort();
    return std::move(*made);
}

TEST(BufRing, CountsItsFreeSlots) {
    auto loop = make_loop();
    auto buffers = make_buffers(*loop, 4);
    EXPECT_EQ(buffers->free_slots(), 4U);
    const auto first = buffers->take(2, 10);
    const auto second = buffers->take(0, BufRing::payload_bytes_max);
    EXPECT_EQ(buffers->free_slots(), 2U);
    EXPECT_EQ(first.size(), 10U);
    EXPECT_EQ(first.data() - second.data(), 2 * static_cast<ptrdiff_t>(BufRing::slot_bytes));
    buffers->give_back(2);
    buffers->give_back(0);
    EXPECT_EQ(buffers->free_slots(), 4U);
}

TEST(BufRing, HasReadablePaddingBehindAFullSlot) {
    auto loop = make_loop();
    auto buffers = make_buffers(*loop, 2);
    const auto view = buffers->take(1, BufRing::payload_bytes_max);
    int sum = 0;
    for (uint32_t i = 0; i < Stream::receive_padding_bytes; ++i)
        sum += view.data()[view.size() + i];  // NOLINT: the padding is promised
    EXPECT_EQ(sum, 0);
    buffers->give_back(1);
}

TEST(BufRing, WakesTheStarvedInTheirOrderAndOnlyAsManyAsThereAreSlots) {
    auto loop = make_loop();
    auto buffers = make_buffers(*loop, 2);
    static_cast<void>(buffers->take(0, 1));
    static_cast<void>(buffers->take(1, 1));
    std::vector<int> woken;
    Parked a(&woken, 1);
    Parked b(&woken, 2);
    Parked c(&woken, 3);
    for (Parked* parked : {&a, &b, &c})
        buffers->park(parked->starved);
    loop->run_until_idle();
    EXPECT_TRUE(woken.empty());
    buffers->give_back(1);
    EXPECT_TRUE(woken.empty()) << "woken from inside give_back()";
    loop->run_turn(0ms);
    EXPECT_EQ(woken, std::vector<int>{1});
    loop->run_until_idle();  // the first took nothing: the slot is offered to the next, and so on
    EXPECT_EQ(woken, (std::vector<int>{1, 2, 3}));
    buffers->give_back(0);
}

TEST(BufRing, WakesOneThatParksAfterTheSlotsCameBack) {
    auto loop = make_loop();
    auto buffers = make_buffers(*loop, 2);
    std::vector<int> woken;
    Parked late(&woken, 1);
    buffers->park(late.starved);
    loop->run_until_idle();
    EXPECT_EQ(woken, std::vector<int>{1});
}

TEST(BufRing, OneThatParksAgainAndAgainCostsOneWakePerTurn) {
    auto loop = make_loop();
    auto buffers = make_buffers(*loop, 2);
    struct Again {
        BufRing* of;
        int wakes = 0;
        void wake() {
            if (++wakes < 10) of->park(starved);
        }
        Bound<Starved, &Again::wake> starved{this};
    } again{.of = buffers.get()};
    const uint64_t turns = loop->turns();
    buffers->park(again.starved);
    loop->run_until_idle();
    EXPECT_EQ(again.wakes, 10);
    EXPECT_LE(loop->turns() - turns, 13U);
}

TEST(BufRing, ForgetsAStarvedConnectionThatDies) {
    auto loop = make_loop();
    auto buffers = make_buffers(*loop, 2);
    static_cast<void>(buffers->take(0, 1));
    static_cast<void>(buffers->take(1, 1));
    std::vector<int> woken;
    auto dying = std::make_unique<Parked>(&woken, 1);
    Parked other(&woken, 2);
    buffers->park(dying->starved);
    buffers->park(other.starved);
    dying.reset();
    buffers->give_back(0);
    buffers->give_back(1);
    loop->run_until_idle();
    EXPECT_EQ(woken, std::vector<int>{2});
}

TEST(BufRing, RefusesACountThatIsNoPowerOfTwoBecauseThatIsABug) {
    auto loop = make_loop();
    EXPECT_DEATH(ignore(BufRing::create(*loop, {.slots = 3}), "aborts"), "entries");
}

TEST(BufRingDeathTest, AbortsWhenASlotIsStillHeld) {
    EXPECT_DEATH(
        {
            auto loop = make_loop();
            auto buffers = make_buffers(*loop, 2);
            static_cast<void>(buffers->take(0, 1));
            buffers.reset();
        },
        "free_slots_");
}

TEST(BufRingDeathTest, FindsAViewThatIsKeptTooLong) {
    if constexpr (!address_sanitizer) GTEST_SKIP() << "needs AddressSanitizer";
    auto loop = make_loop();
    auto buffers = make_buffers(*loop, 2);
    const auto view = buffers->take(0, 8);
    buffers->give_back(0);
    EXPECT_DEATH(std::printf("%d", *const_cast<const volatile char*>(view.data())), "poison");
}

}  // namespace
}  // namespace fluxgate::loop
