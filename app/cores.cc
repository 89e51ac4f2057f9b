#include "app/cores.h"

#include "loop/log.h"
#include "loop/mailbox.h"
#include "loop/threads.h"

namespace fluxgate::app {
namespace {

struct Telling final : loop::Message {
    Telling(Worker* to, void (*something)(Worker&))
        : loop::Message([](loop::Message& message) {
              auto* self = static_cast<Telling*>(&message);
              self->what(*self->worker);
              delete self;
          }),
          worker(to),
          what(something) {}
    Worker* worker;
    void (*what)(Worker&);
};

}  // namespace

std::string Cores::run(uint32_t count) {
    workers_.assign(count, nullptr);
    zero_made_ = std::make_unique<std::latch>(1);
    made_ = std::make_unique<std::latch>(count);
    ended_ = std::make_unique<std::latch>(count);
    helpers_gone_ = std::make_unique<std::latch>(1);
    draining_ = count;
    loop::CoreThreads threads;
    const loop::CoreThreads::Options options{.cores = count, .pin = true, .name = "core"};
    auto started = threads.start(options, [this](uint32_t core) { run_core(core); });
    // Without its threads the latches never open: there is nothing to end in order.
    FLUX_CHECK(started);
    if (threads.pinned() < count) {
        loop::log::info("cores_not_pinned", {{"cores", count}, {"pinned", threads.pinned()}});
    }
    threads.join();
    return failure_;
}

void Cores::run_core(uint32_t core) {
    loop::log::set_loop(core);
    if (core != 0) zero_made_->wait();  // the others depend on what core 0 makes
    loop::Loop::Options options;
    options.core = core;
    auto loop = loop::Loop::create(options);
    std::unique_ptr<Worker> worker;
    if (!loop) {
        fail(loop::ring_permission_hint(loop.error()));
    } else if (core != 0 && shared_.catalog == nullptr) {
        // Core 0 has failed and said why.
    } else if (auto made = Worker::create(shared_, **loop, *this); !made) {
        fail(made.error());
    } else {
        worker = std::move(*made);
        workers_[core] = worker.get();
        if (core == 0)
            loop::log::info("io_uring", {{"features", (*loop)->ring().features().to_string()}});
    }
    if (core == 0) zero_made_->count_down();
    made_->arrive_and_wait();
    // Everybody reads failure_ after the latch: all start, or none.
    if (failure_.empty()) {
        if (core == 0) zero_.start(*worker);
        worker->start();
        (*loop)->run();
        aborted_ += worker->aborted();
        if (core == 0) zero_.close();
    }
    if (loop) (*loop)->run_until_idle();
    ended_->arrive_and_wait();
    if (core == 0) {
        shared_.blocking.reset();
        helpers_gone_->count_down();
    }
    helpers_gone_->wait();
    if (loop) (*loop)->run_until_idle();  // what the others sent last
    if (core == 0) zero_.clear();
    worker.reset();
}

void Cores::fail(std::string why) {
    const std::scoped_lock lock(mutex_);
    if (failure_.empty()) failure_ = std::move(why);
}

void Cores::tell_all(void (*what)(Worker&)) {
    for (Worker* worker : workers_)
        worker->loop().mailbox().send(*new Telling(worker, what));
}

loop::Task<void> Cores::worker_draining(uint32_t core) {
    if (core == 0) co_await zero_.stop();
}

void Cores::worker_drained() {
    if (draining_.fetch_sub(1) != 1) return;
    tell_all([](Worker& worker) { worker.end(); });
}

}  // namespace fluxgate::app
