#include "loop/blocking.h"

#include <pthread.h>

#include <csignal>

#include "loop/check.h"
#include "loop/loop.h"

namespace fluxgate::loop {

BlockingPool::BlockingPool(const Options& options) : queue_max_(options.queue_max) {
    FLUX_CHECK(options.threads > 0 && options.queue_max > 0);
    // Signals are for the threads that handle them.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (size_t i = 0; i < options.threads; ++i) {
        helpers_.emplace_back([this] { run_helper(); });
        pthread_setname_np(helpers_.back().native_handle(), "fluxgate-help");
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

BlockingPool::~BlockingPool() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& helper : helpers_) {
        helper.join();
    }
    FLUX_CHECK(queue_.empty());
}

bool BlockingPool::submit(Job& job) {
    {
        const std::lock_guard lock(mutex_);
        FLUX_CHECK(!stopping_);
        if (queue_.size() >= queue_max_) return false;
        queue_.push_back(&job);
    }
    wake_.notify_one();
    return true;
}

void BlockingPool::run_helper() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        Job* job = queue_.front();
        queue_.pop_front();
        lock.unlock();
        job->work(*job);
        lock.lock();
    }
}

void send_to(Loop& loop, Message& message) {
    loop.mailbox().send(message);
}

}  // namespace fluxgate::loop
