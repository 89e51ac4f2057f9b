#include "loop/threads.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>

#include "loop/check.h"
#include "loop/frame_arena.h"
#include "loop/log.h"

namespace fluxgate::loop {
namespace {

constexpr size_t name_bytes_max = 15;  // the kernel's

std::vector<int> allowed_cpus() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    std::vector<int> cpus;
    if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return cpus;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(static_cast<size_t>(cpu), &allowed)) cpus.push_back(cpu);
    return cpus;
}

}  // namespace

uint32_t usable_cpus() {
    return std::max(1U, static_cast<uint32_t>(allowed_cpus().size()));
}

struct CoreThreads::Thread {
    CoreThreads* owner;
    uint32_t core;
    std::string name;
    pthread_t handle{};

    static void* main(void* argument) {
        auto& self = *static_cast<Thread*>(argument);
        ::pthread_setname_np(::pthread_self(), self.name.c_str());
        self.owner->body_(self.core);
        frame_arena::trim();
        return nullptr;
    }
    // On `cpu`, or anywhere if it is negative. 0 or an errno.
    [[nodiscard]] int create(int cpu) {
        pthread_attr_t attributes;
        ::pthread_attr_init(&attributes);
        if (cpu >= 0) {
            cpu_set_t only;
            CPU_ZERO(&only);
            CPU_SET(static_cast<size_t>(cpu), &only);
            ::pthread_attr_setaffinity_np(&attributes, sizeof(only), &only);
        }
        const int outcome = ::pthread_create(&handle, &attributes, &Thread::main, this);
        ::pthread_attr_destroy(&attributes);
        return outcome;
    }
};

CoreThreads::CoreThreads() = default;

CoreThreads::~CoreThreads() {
    FLUX_CHECK(threads_.empty());
}

Result<void> CoreThreads::start(const Options& options, std::function<void(uint32_t core)> body) {
    FLUX_CHECK(threads_.empty());
    body_ = std::move(body);
    pinned_ = 0;
    const std::vector<int> cpus = allowed_cpus();
    // With more loops than CPUs, the scheduler does it better.
    const bool pin = options.pin && options.cores <= cpus.size();
    if (options.pin && !pin)
        log::warn("threads_not_pinned", {{"cores", options.cores}, {"cpus", cpus.size()}});
    threads_.reserve(options.cores);
    for (uint32_t core = 0; core < options.cores; ++core) {
        const std::string name = options.name + "-" + std::to_string(core);
        auto thread = std::make_unique<Thread>(this, core, name.substr(0, name_bytes_max));
        int outcome = pin ? thread->create(cpus[core]) : EINVAL;
        if (pin && outcome == 0) ++pinned_;
        if (pin && outcome != 0)
            log::warn("thread_not_pinned", {{"core", core}, {"errno", outcome}});
        if (outcome != 0) outcome = thread->create(-1);
        if (outcome != 0) return std::unexpected(error_from_errno(outcome, "pthread_create"));
        threads_.push_back(std::move(thread));
    }
    return {};
}

void CoreThreads::join() {
    for (const std::unique_ptr<Thread>& thread : threads_)
        ::pthread_join(thread->handle, nullptr);
    threads_.clear();
}

}  // namespace fluxgate::loop
