// The only way in which one loop's thread (or a helper thread) hands something to another loop.
//
// A bounded-by-senders intrusive MPSC list under a mutex-free push, and a wake-up: an eventfd that
// the target loop reads through its ring, written only when the list was empty. (Not MSG_RING:
// helper threads have no ring, and one way is enough.) Messages are owned by the sender until they
// run, then by what they run: typically they delete themselves.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace fluxgate::loop {

class Loop;

class Message {
public:
    // Runs on the target loop's thread.
    using Handler = void (*)(Message& message);
    explicit Message(Handler handler) : handler_(handler) {}

private:
    friend class Mailbox;
    Handler handler_;
    Message* next_ = nullptr;
};

class Mailbox {
public:
    // Takes over `event_fd` (an eventfd, blocking).
    Mailbox(Loop* loop, int event_fd);
    ~Mailbox();  // on the loop's thread, after every sender is gone; messages left inside are an
                 // error
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    // From any thread. Wakes the loop if it sleeps; messages of one sender run in order. The sender
    // must not touch `message` afterwards.
    void send(Message& message);

private:
    friend class Loop;
    [[nodiscard]] bool empty() const;
    void arm();
    void cancel();  // ends the read; the loop then runs until its ring is quiet
    void wake_loop() const;
    void take_messages();
    void run_messages();

    struct Wake;
    Loop* loop_;
    int event_fd_;
    std::unique_ptr<Wake> wake_;
    Message* first_ = nullptr;  // taken out of head_ and put in order, not run yet
    Message* last_ = nullptr;
    // In a cache line of their own: the senders write them.
    alignas(64) std::atomic<Message*> head_{nullptr};  // newest first
    std::atomic<uint32_t> senders_{0};                 // threads inside send()
};

}  // namespace fluxgate::loop
