// The log's two halves: producers (any thread, lock-free, no system call in a busy stretch) and the
// one writer thread. They meet in one ring buffer per producing thread.
#include "loop/log.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>
#include <thread>

#include "loop/check.h"
#include "loop/log_line.h"

namespace fluxgate::loop::log {
namespace {

constexpr size_t cache_line_bytes = 128;  // two: the hardware fetches pairs
constexpr uint8_t off = 0xff;
constexpr int stuck_poll_ms = 100;
constexpr int stuck_polls_max = 20;  // on the way out, 2 s without progress are enough

// Written by the thread that owns it, drained by the writer. Never freed: the next new thread takes
// over the buffer of one that has ended.
struct ThreadBuffer {
    alignas(cache_line_bytes) std::atomic<uint64_t> tail{0};  // bytes ever written
    uint64_t head_seen = 0;                                   // `head` when it last mattered
    int64_t core = -1;
    Timestamp timestamp;
    LineBuffer line;
    alignas(cache_line_bytes) std::atomic<uint64_t> head{0};  // bytes ever drained
    alignas(cache_line_bytes) std::atomic<bool> in_use{true};
    ThreadBuffer* next = nullptr;  // fixed once it is on the list
    std::array<char, thread_buffer_bytes> bytes;

    // False when there is no room for all of it.
    bool push(std::string_view text) {
        const uint64_t from = tail.load(std::memory_order_relaxed);
        if (from + text.size() - head_seen > bytes.size()) {
            head_seen = head.load(std::memory_order_acquire);
            if (from + text.size() - head_seen > bytes.size()) return false;
        }
        const size_t at = from % bytes.size();
        const size_t piece = std::min(text.size(), bytes.size() - at);
        std::memcpy(bytes.data() + at, text.data(), piece);
        std::memcpy(bytes.data(), text.data() + piece, text.size() - piece);
        // seq_cst, as is the load of `asleep` after it: either the writer sees the line before it
        // sleeps, or we see that it sleeps.
        tail.store(from + text.size(), std::memory_order_seq_cst);
        return true;
    }
};

class Writer {
public:
    void start(int fd);
    void stop();
    bool flush(Duration wait_max);
    void wake() {
        const uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = ::write(event_fd_, &one, sizeof one);
    }
    void wake_if_asleep() {
        if (asleep.load(std::memory_order_seq_cst) &&
            asleep.exchange(false, std::memory_order_seq_cst)) {
            wake();
        }
    }
    void add(ThreadBuffer* buffer) {
        buffer->next = buffers.load(std::memory_order_relaxed);
        while (!buffers.compare_exchange_weak(buffer->next, buffer, std::memory_order_release)) {
        }
    }

    std::atomic<uint8_t> threshold{off};  // levels below it are not written
    std::atomic<uint64_t> lines_dropped{0};
    std::atomic<ThreadBuffer*> buffers{nullptr};
    std::atomic<bool> asleep{false};
    Level minimum = Level::info;
    bool running = false;

private:
    void run();
    bool drain();
    bool drain_buffer(ThreadBuffer& buffer);
    void report_drops();
    void wait(bool busy);
    size_t write_once(std::array<iovec, 2>& parts);

    std::thread thread_;
    int event_fd_ = -1;
    int fd_ = -1;
    bool may_block_ = false;  // a file or a terminal: no RWF_NOWAIT, and no need of it
    std::atomic<bool> stopping_{false};
    std::atomic<uint64_t> flush_asked_{0};
    std::mutex mutex_;
    std::condition_variable flushed_;
    uint64_t flush_done_ = 0;  // under mutex_
    uint64_t drops_reported_ = 0;
    Timestamp timestamp_;
    LineBuffer line_;
};

// Never destroyed: threads may log until the process is gone.
Writer& writer() {
    static auto* const instance = new Writer;
    return *instance;
}
// The fast path must not pay for the guard of a function's static.
constinit std::atomic<Writer*> active{nullptr};

constinit thread_local ThreadBuffer* own_buffer = nullptr;
constinit thread_local bool thread_ended = false;

struct AtThreadEnd {
    bool armed = false;
    ~AtThreadEnd() {
        thread_ended = true;
        if (own_buffer != nullptr) own_buffer->in_use.store(false, std::memory_order_release);
        own_buffer = nullptr;
    }
};
thread_local AtThreadEnd at_thread_end;

// Null when the thread is ending.
[[gnu::noinline]] ThreadBuffer* find_buffer() {
    if (thread_ended) return nullptr;
    at_thread_end.armed = true;
    Writer& target = writer();
    ThreadBuffer* buffer = target.buffers.load(std::memory_order_acquire);
    for (; buffer != nullptr; buffer = buffer->next) {
        bool in_use = false;
        if (buffer->in_use.compare_exchange_strong(in_use, true, std::memory_order_acquire)) break;
    }
    if (buffer == nullptr) {
        buffer = new ThreadBuffer;
        target.add(buffer);
    }
    buffer->core = -1;
    own_buffer = buffer;
    return buffer;
}

void Writer::start(int fd) {
    stop();
    if (event_fd_ < 0) event_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    FLUX_CHECK_OP(event_fd_, >=, 0);
    struct stat status{};
    const bool known = fstat(fd, &status) == 0;
    may_block_ = !known || (!S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode));
    fd_ = fd;
    stopping_ = false;
    // Signals are for the threads that handle them; a broken pipe is then an EPIPE.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(thread_.native_handle(), "fluxgate-log");
    running = true;
}

void Writer::stop() {
    if (!running) return;
    stopping_ = true;
    wake();
    thread_.join();
    running = false;
    fd_ = -1;
}

bool Writer::flush(Duration wait_max) {
    if (!running) return true;
    const uint64_t asked = flush_asked_.fetch_add(1) + 1;
    wake();
    std::unique_lock lock(mutex_);
    return flushed_.wait_for(lock, wait_max, [&] { return flush_done_ >= asked; });
}

void Writer::run() {
    for (;;) {
        // In this order: what was asked or logged before is drained below.
        const bool last = stopping_.load();
        const uint64_t asked = flush_asked_.load();
        const bool busy = drain();
        report_drops();
        {
            const std::lock_guard lock(mutex_);
            flush_done_ = asked;
        }
        flushed_.notify_all();
        if (last) return;
        wait(busy);
    }
}

// Busy: lets a batch gather. Idle: sleeps until a producer, a flush() or a stop() wakes it.
void Writer::wait(bool busy) {
    if (!busy) {
        asleep.store(true, std::memory_order_seq_cst);
        for (ThreadBuffer* buffer = buffers.load(); buffer != nullptr; buffer = buffer->next) {
            if (buffer->tail.load(std::memory_order_seq_cst) == buffer->head.load()) continue;
            asleep.store(false);
            return;
        }
    }
    pollfd event{.fd = event_fd_, .events = POLLIN, .revents = 0};
    if (poll(&event, 1, busy ? batch_ms : -1) > 0) {
        uint64_t ignored = 0;
        [[maybe_unused]] const ssize_t bytes = read(event_fd_, &ignored, sizeof ignored);
    }
    asleep.store(false);
}

bool Writer::drain() {
    bool any = false;
    for (ThreadBuffer* buffer = buffers.load(std::memory_order_acquire); buffer != nullptr;
         buffer = buffer->next) {
        any |= drain_buffer(*buffer);
    }
    return any;
}

// Writes straight out of the ring, so a batch is copied once, by the kernel.
bool Writer::drain_buffer(ThreadBuffer& buffer) {
    uint64_t head = buffer.head.load(std::memory_order_relaxed);
    const uint64_t tail = buffer.tail.load(std::memory_order_acquire);
    if (head == tail) return false;
    while (head != tail) {
        const size_t at = head % buffer.bytes.size();
        const size_t bytes = static_cast<size_t>(tail - head);
        const size_t piece = std::min(bytes, buffer.bytes.size() - at);
        std::array<iovec, 2> parts{
            {{buffer.bytes.data() + at, piece}, {buffer.bytes.data(), bytes - piece}}};
        size_t written = write_once(parts);
        if (written == 0) {  // the fd is broken: nothing of this will ever be written
            for (const iovec& part : parts) {
                const char* first = static_cast<const char*>(part.iov_base);
                const auto lines = std::count(first, first + part.iov_len, '\n');
                lines_dropped.fetch_add(static_cast<uint64_t>(lines), std::memory_order_relaxed);
            }
            written = bytes;
        }
        head += written;
        buffer.head.store(head, std::memory_order_release);
    }
    return true;
}

// Waits until it could write something; 0 when that will never be.
size_t Writer::write_once(std::array<iovec, 2>& parts) {
    const int count = parts[1].iov_len == 0 ? 1 : 2;
    for (int polls = 0;;) {
        const ssize_t written = may_block_ ? writev(fd_, parts.data(), count)
                                           : pwritev2(fd_, parts.data(), count, -1, RWF_NOWAIT);
        if (written > 0) return static_cast<size_t>(written);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EOPNOTSUPP && !may_block_) {
            may_block_ = true;
            continue;
        }
        if (written == 0 || errno != EAGAIN) return 0;
        pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
        if (poll(&ready, 1, stuck_poll_ms) > 0) continue;
        if (stopping_.load() && ++polls >= stuck_polls_max) return 0;
    }
}

void Writer::report_drops() {
    const uint64_t total = lines_dropped.load(std::memory_order_relaxed);
    if (total == drops_reported_) return;
    std::array<char, Timestamp::bytes> stamp;
    timestamp_.write(std::chrono::system_clock::now(), stamp.data());
    line_.format({stamp.data(), stamp.size()}, Level::warn, "log_dropped", -1,
                 {{"lines", total - drops_reported_}});
    drops_reported_ = total;
    const std::string_view text = line_.line();
    std::array<iovec, 2> parts{{{const_cast<char*>(text.data()), text.size()}, {nullptr, 0}}};
    [[maybe_unused]] const size_t written = write_once(parts);
}

void apply_threshold() {
    Writer& target = writer();
    target.threshold = target.running ? static_cast<uint8_t>(target.minimum) : off;
    active.store(&target, std::memory_order_release);
}

}  // namespace

bool enabled(Level level) {
    const Writer* target = active.load(std::memory_order_acquire);
    return target != nullptr &&
           static_cast<uint8_t>(level) >= target->threshold.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
    if (!enabled(level)) return;
    Writer& target = *active.load(std::memory_order_acquire);
    ThreadBuffer* buffer = own_buffer;
    if (buffer == nullptr) [[unlikely]] {
        buffer = find_buffer();
        if (buffer == nullptr) return;
    }
    std::array<char, Timestamp::bytes> stamp;
    buffer->timestamp.write(std::chrono::system_clock::now(), stamp.data());
    buffer->line.format({stamp.data(), stamp.size()}, level, event, buffer->core, fields);
    if (!buffer->push(buffer->line.line())) {
        target.lines_dropped.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    target.wake_if_asleep();
}

void write_line(std::string_view line) {
    if (!enabled(Level::error)) return;  // no fd
    Writer& target = *active.load(std::memory_order_acquire);
    ThreadBuffer* buffer = own_buffer;
    if (buffer == nullptr) [[unlikely]] {
        buffer = find_buffer();
        if (buffer == nullptr) return;
    }
    std::array<char, line_bytes_max> whole;
    if (line.size() < whole.size()) {
        std::memcpy(whole.data(), line.data(), line.size());
        whole[line.size()] = '\n';
        if (buffer->push({whole.data(), line.size() + 1})) return target.wake_if_asleep();
    }
    target.lines_dropped.fetch_add(1, std::memory_order_relaxed);
}

void set_level(Level minimum) {
    writer().minimum = minimum;
    apply_threshold();
}

void set_fd(int fd) {
    Writer& target = writer();
    if (fd >= 0) {
        target.start(fd);
        apply_threshold();
        return;
    }
    target.threshold = off;
    target.stop();
    apply_threshold();
}

void set_loop(uint32_t core) {
    ThreadBuffer* buffer = own_buffer == nullptr ? find_buffer() : own_buffer;
    if (buffer != nullptr) buffer->core = core;
}

bool flush(Duration wait_max) {
    return writer().flush(wait_max);
}

uint64_t dropped() {
    return writer().lines_dropped.load(std::memory_order_relaxed);
}

}  // namespace fluxgate::loop::log
