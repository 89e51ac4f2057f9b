// The receive buffers of one core: a ring of slots that the kernel fills and hands over by number.
//
// A connection pays for memory only while data of it waits. A slot is 4,096 bytes, of which the
// kernel may fill 4,032: the 64 bytes behind are always readable, as simdjson wants. Under
// AddressSanitizer a slot is poisoned while the kernel owns it, so a view that is kept too long is
// found.
//
// No slot free (ENOBUFS): the connection parks here and is re-armed when a slot has come back, in
// turn, never by a timer. Single-threaded, of one loop; all slots must be back when it dies.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "loop/bound.h"
#include "loop/intrusive_list.h"
#include "loop/loop.h"
#include "loop/result.h"

namespace fluxgate::loop {

struct StarvedTag;

// A connection that waits for a slot. One that dies leaves the list.
class Starved : public ListNode<StarvedTag> {
public:
    using Handler = void (*)(Starved& starved);  // arms the receive again
    explicit Starved(Handler handler) : handler_(handler) {}

private:
    friend class BufRing;
    Handler handler_;
};

class BufRing {
public:
    static constexpr uint32_t slot_bytes = 4096;
    static constexpr uint32_t padding_bytes = 64;
    static constexpr uint32_t payload_bytes_max = slot_bytes - padding_bytes;

    struct Options {
        uint32_t slots = 1024;  // a power of two, at most 32768
        uint16_t group = 0;
    };
    // `loop` must outlive it.
    [[nodiscard]] static Result<std::unique_ptr<BufRing>> create(Loop& loop,
                                                                 const Options& options);
    ~BufRing();
    BufRing(const BufRing&) = delete;
    BufRing& operator=(const BufRing&) = delete;

    [[nodiscard]] uint16_t group() const { return group_; }
    [[nodiscard]] uint32_t slots() const { return slots_; }
    // Slots that nobody holds, as far as completions have been handled.
    [[nodiscard]] uint32_t free_slots() const { return free_slots_; }
    // Times that a receive found no slot.
    [[nodiscard]] uint64_t starved_count() const { return starved_count_; }

    // The bytes of a slot that a completion brought. Valid until give_back().
    [[nodiscard]] std::span<const char> take(uint16_t slot, size_t bytes);
    void give_back(uint16_t slot);

    // `starved`'s handler runs in a later turn, when a slot is free and those before it were
    // served.
    void park(Starved& starved);
    void count_starved() { ++starved_count_; }

private:
    BufRing(Loop& loop, const Options& options, char* memory);
    void wake_starved();
    [[nodiscard]] size_t memory_bytes() const { return size_t{slots_} * slot_bytes; }

    Loop& loop_;
    uint16_t group_;
    uint32_t slots_;
    uint32_t free_slots_;
    uint64_t starved_count_ = 0;
    char* memory_;  // page-aligned, slots_ * slot_bytes
    IntrusiveList<Starved, StarvedTag> starved_;
    Bound<Ready, &BufRing::wake_starved> wake_ready_{this};
};

}  // namespace fluxgate::loop
