#include "loop/mailbox.h"

#include <unistd.h>

#include <cerrno>
#include <span>
#include <thread>
#include <utility>

#include "loop/bound.h"
#include "loop/loop.h"

namespace fluxgate::loop {
namespace {

constexpr int messages_per_turn_max = 256;

}  // namespace

struct Mailbox::Wake {
    explicit Wake(Mailbox* owner) : mailbox(owner) {}
    void read_done(int32_t result, uint32_t flags);
    void cancel_done(int32_t, uint32_t) {}
    void run_more() { mailbox->run_messages(); }

    Mailbox* mailbox;
    uint64_t counter = 0;  // where the kernel puts the eventfd's value
    bool closing = false;
    Bound<Op, &Wake::read_done> read_op{this};
    Bound<Op, &Wake::cancel_done> cancel_op{this};
    Bound<Ready, &Wake::run_more> more_ready{this};
};

Mailbox::Mailbox(Loop* loop, int event_fd)
    : loop_(loop), event_fd_(event_fd), wake_(std::make_unique<Wake>(this)) {
}

Mailbox::~Mailbox() {
    while (senders_.load(std::memory_order_acquire) != 0)
        std::this_thread::yield();
    FLUX_CHECK(empty());
    ::close(event_fd_);
}

bool Mailbox::empty() const {
    return head_.load(std::memory_order_acquire) == nullptr && first_ == nullptr;
}

void Mailbox::send(Message& message) {
    // As soon as the message is in, the loop may run it and even end; ~Mailbox waits for the rest
    // of this call.
    senders_.fetch_add(1, std::memory_order_relaxed);
    Message* newest = head_.load(std::memory_order_relaxed);
    do {
        message.next_ = newest;
    } while (!head_.compare_exchange_weak(newest, &message, std::memory_order_release,
                                          std::memory_order_relaxed));
    // Whoever finds it empty wakes the loop; the others' messages leave with that one.
    if (newest == nullptr) wake_loop();
    senders_.fetch_sub(1, std::memory_order_release);
}

void Mailbox::wake_loop() const {
    const uint64_t one = 1;
    ssize_t written = -1;
    do {
        written = ::write(event_fd_, &one, sizeof(one));
    } while (written < 0 && errno == EINTR);
    FLUX_CHECK_OP(written, ==, 8);
}

void Mailbox::arm() {
    const std::span<char> counter(reinterpret_cast<char*>(&wake_->counter), sizeof(uint64_t));
    loop_->ring().read(wake_->read_op, event_fd_, counter);
}

void Mailbox::cancel() {
    wake_->closing = true;
    if (wake_->read_op.in_flight()) loop_->ring().cancel(wake_->cancel_op, wake_->read_op);
}

void Mailbox::Wake::read_done(int32_t result, uint32_t) {
    // EINTR and the like: there may be messages, so look, and read again.
    if (!closing && result != -ECANCELED)
        FLUX_CHECK(result == 8 || result == -EINTR || result == -EAGAIN);
    if (!closing) mailbox->arm();
    mailbox->run_messages();
}

// Moves what the senders have pushed behind what waits already, oldest first.
void Mailbox::take_messages() {
    Message* newest = head_.exchange(nullptr, std::memory_order_acquire);
    if (newest == nullptr) return;
    Message* last = newest;
    Message* first = nullptr;
    while (newest != nullptr) {
        Message* older = newest->next_;
        newest->next_ = first;
        first = std::exchange(newest, older);
    }
    if (first_ == nullptr)
        first_ = first;
    else
        last_->next_ = first;
    last_ = last;
}

void Mailbox::run_messages() {
    take_messages();
    for (int count = 0; first_ != nullptr; ++count) {
        if (count == messages_per_turn_max) return loop_->post(wake_->more_ready);
        Message* message = first_;
        first_ = message->next_;
        message->handler_(*message);  // frees it, or gives it back to whoever sent it
    }
}

}  // namespace fluxgate::loop
