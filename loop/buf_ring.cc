#include "loop/buf_ring.h"

#include <cerrno>

#include "loop/sanitizer.h"

namespace fluxgate::loop {

Result<std::unique_ptr<BufRing>> BufRing::create(Loop& loop, const Options& options) {
    const size_t bytes = size_t{options.slots} * slot_bytes;
    void* memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return std::unexpected(error_from_errno(errno, "mmap of receive buffers"));
    auto* first = static_cast<char*>(memory);
    Result<void> registered = loop.ring().register_buffers(options.group, {first, bytes},
                                                           options.slots, payload_bytes_max);
    if (!registered) {
        ::munmap(memory, bytes);
        return std::unexpected(registered.error());
    }
    return std::unique_ptr<BufRing>(new BufRing(loop, options, first));
}

BufRing::BufRing(Loop& loop, const Options& options, char* memory)
    : loop_(loop),
      group_(options.group),
      slots_(options.slots),
      free_slots_(options.slots),
      memory_(memory) {
    poison(memory_, memory_bytes());
}

BufRing::~BufRing() {
    FLUX_CHECK_OP(free_slots_, ==, slots_);
    loop_.ring().unregister_buffers(group_);
    unpoison(memory_, memory_bytes());
    ::munmap(memory_, memory_bytes());
}

std::span<const char> BufRing::take(uint16_t slot, size_t bytes) {
    FLUX_CHECK(slot < slots_ && bytes <= payload_bytes_max && free_slots_ > 0);
    --free_slots_;
    const char* first = memory_ + size_t{slot} * slot_bytes;
    unpoison(first, bytes + padding_bytes);
    return {first, bytes};
}

void BufRing::give_back(uint16_t slot) {
    FLUX_CHECK(slot < slots_ && free_slots_ < slots_);
    poison(memory_ + size_t{slot} * slot_bytes, slot_bytes);
    loop_.ring().return_buffer(group_, slot);
    ++free_slots_;
    if (!starved_.empty()) loop_.post_turn_end(wake_ready_);
}

void BufRing::park(Starved& starved) {
    starved_.push_back(starved);
    // The slots may have come back before the news that there was none.
    if (free_slots_ > 0) loop_.post_turn_end(wake_ready_);
}

// Once a turn, as many as there are slots. A peer that stays silent takes none, so it goes on next
// turn for as long as slots are left; who finds none parks again at the end. The list gets shorter,
// or slots get fewer: it can not spin.
void BufRing::wake_starved() {
    for (uint32_t left = free_slots_; left > 0; --left) {
        Starved* starved = starved_.pop_front();
        if (starved == nullptr) return;
        starved->handler_(*starved);
    }
    if (!starved_.empty() && free_slots_ > 0) loop_.post_turn_end(wake_ready_);
}

}  // namespace fluxgate::loop
