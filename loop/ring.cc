#include "loop/ring.h"

#include <liburing.h>
#include <poll.h>
#include <sched.h>

#include <array>
#include <cerrno>
#include <limits>
#include <vector>

#include "loop/ring_probe.h"
#include "loop/sanitizer.h"

namespace fluxgate::loop {
namespace {

// Newer than the headers of liburing 2.9.
constexpr uint32_t feature_no_iowait = 1U << 17;
constexpr uint32_t enter_no_iowait = 1U << 7;

// Tried in this order until the kernel accepts one: from 6.1 on the first.
constexpr std::array<uint32_t, 5> setup_flags_to_try = {
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
        IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN |
        IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_SUBMIT_ALL,
    0,
};

// Tries to submit while the submission queue stays full, before it is called hopeless.
constexpr int full_queue_tries_max = 10'000;

__kernel_timespec to_timespec(Duration wait) {
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(wait);
    return {.tv_sec = whole.count(), .tv_nsec = (wait - whole).count()};
}

// liburing maps and unmaps by system calls of its own. ThreadSanitizer does not see them, and takes
// an address that one thread's ring gave up and another's got for a race. The kernel orders the
// two.
char mappings_of_rings;

void select_buffer(io_uring_sqe* sqe, uint16_t group) {
    // Polling first spares a read that mostly finds nothing, and an ENOBUFS for a peer that is
    // silent.
    sqe->ioprio = static_cast<uint16_t>(sqe->ioprio | IORING_RECVSEND_POLL_FIRST);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = group;
}

}  // namespace

struct Ring::State {
    struct BufferGroup {
        io_uring_buf_ring* ring = nullptr;  // null exactly while not registered
        char* memory = nullptr;
        uint32_t entries = 0;
        uint32_t entry_bytes = 0;
        size_t distance_bytes = 0;
    };

    io_uring uring{};
    RingFeatures features;
    uint32_t in_flight = 0;
    uint64_t overflow_count = 0;
    uint64_t enter_count = 0;
    bool registered_fd = false;
    std::array<BufferGroup, buffer_groups_max> groups;
    std::vector<Completion>
        stash;  // reaped early, to make room while the submission queue was full
    size_t stash_next = 0;

    io_uring_sqe* prepare(Op& op);
    uint32_t publish_sqes();
    int enter(uint32_t wait_for, const __kernel_timespec* wait);
    Completion take(const io_uring_cqe& cqe);
    size_t reap_queue(std::span<Completion> out);
    void stash_completions();
    [[nodiscard]] bool kernel_has_work() const;
    BufferGroup& group(uint16_t id);
};

// Makes prepared SQEs visible to the kernel; returns how many it has not consumed yet.
uint32_t Ring::State::publish_sqes() {
    io_uring_sq& queue = uring.sq;
    if (queue.sqe_head != queue.sqe_tail) {
        queue.sqe_head = queue.sqe_tail;
        io_uring_smp_store_release(queue.ktail, queue.sqe_tail);
    }
    return queue.sqe_tail - io_uring_smp_load_acquire(queue.khead);
}

// The one io_uring_enter. liburing's own wrappers neither know NO_IOWAIT nor promise a single call.
int Ring::State::enter(uint32_t wait_for, const __kernel_timespec* wait) {
    io_uring_getevents_arg argument{};
    argument.ts = reinterpret_cast<uint64_t>(wait);
    uint32_t flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    if (registered_fd) flags |= IORING_ENTER_REGISTERED_RING;
    if (features.no_iowait) flags |= enter_no_iowait;
    ++enter_count;
    const uint32_t to_submit = publish_sqes();
    return io_uring_enter2(static_cast<unsigned>(uring.enter_ring_fd), to_submit, wait_for, flags,
                           reinterpret_cast<sigset_t*>(&argument), sizeof(argument));
}

// Something waits in the kernel that only an enter brings into the completion queue.
bool Ring::State::kernel_has_work() const {
    if (!features.defer_taskrun && (uring.flags & IORING_SETUP_TASKRUN_FLAG) == 0) return true;
    return (IO_URING_READ_ONCE(*uring.sq.kflags) & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)) !=
           0;
}

io_uring_sqe* Ring::State::prepare(Op& op) {
    FLUX_CHECK(!op.in_flight_);
    io_uring_sqe* sqe = io_uring_get_sqe(&uring);
    for (int tries = 0; sqe == nullptr; ++tries) {
        FLUX_CHECK_OP(tries, <, full_queue_tries_max);
        // EBUSY and EAGAIN mean that completions must leave first; any other way it makes room.
        if (enter(0, nullptr) < 0) {
            stash_completions();
            sched_yield();
        }
        sqe = io_uring_get_sqe(&uring);
    }
    op.in_flight_ = true;
    ++in_flight;
    return sqe;
}

Completion Ring::State::take(const io_uring_cqe& cqe) {
    if ((cqe.flags & IORING_CQE_F_MORE) == 0) {
        FLUX_CHECK_OP(in_flight, >, 0U);
        --in_flight;
    }
    return {reinterpret_cast<Op*>(cqe.user_data), cqe.res, cqe.flags};
}

size_t Ring::State::reap_queue(std::span<Completion> out) {
    const uint32_t ready = io_uring_cq_ready(&uring);
    const uint32_t mask = uring.cq.ring_mask;
    const uint32_t head = *uring.cq.khead;
    const auto count = static_cast<uint32_t>(std::min<size_t>(ready, out.size()));
    for (uint32_t i = 0; i < count; ++i)
        out[i] = take(uring.cq.cqes[(head + i) & mask]);
    io_uring_cq_advance(&uring, count);
    return count;
}

void Ring::State::stash_completions() {
    std::array<Completion, 64> batch{};
    while (size_t count = reap_queue(batch))
        stash.insert(stash.end(), batch.begin(), batch.begin() + static_cast<ptrdiff_t>(count));
}

Ring::State::BufferGroup& Ring::State::group(uint16_t id) {
    FLUX_CHECK_OP(id, <, buffer_groups_max);
    return groups[id];
}

Ring::Ring(std::unique_ptr<State> state) : state_(std::move(state)) {
}

Ring::~Ring() {
    FLUX_CHECK_OP(state_->in_flight, ==, 0U);
    for (uint16_t id = 0; id < buffer_groups_max; ++id)
        if (state_->groups[id].ring != nullptr) unregister_buffers(id);
    release_order(&mappings_of_rings);
    io_uring_queue_exit(&state_->uring);
}

Result<std::unique_ptr<Ring>> Ring::create(const RingOptions& options) {
    auto state = std::make_unique<State>();
    int outcome = -EINVAL;
    io_uring_params params{};
    for (uint32_t flags : setup_flags_to_try) {
        if (!options.defer_taskrun && (flags & IORING_SETUP_DEFER_TASKRUN) != 0) continue;
        params = {};
        params.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
        params.cq_entries = options.completion_entries;
        outcome = io_uring_queue_init_params(options.submission_entries, &state->uring, &params);
        if (outcome != -EINVAL) break;
    }
    acquire_order(&mappings_of_rings);
    if (outcome < 0) return std::unexpected(error_from_errno(-outcome, "io_uring_setup"));
    // From here on ~Ring closes it.
    std::unique_ptr<Ring> ring(new Ring(std::move(state)));
    constexpr uint32_t needed =
        IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_SUBMIT_STABLE;
    if ((params.features & needed) != needed)
        return std::unexpected(Error{ErrorCode::not_supported, 0, "io_uring older than Linux 6.1"});

    State& made = *ring->state_;
    made.registered_fd = io_uring_register_ring_fd(&made.uring) == 1;
    made.features.defer_taskrun = (params.flags & IORING_SETUP_DEFER_TASKRUN) != 0;
    made.features.single_issuer = (params.flags & IORING_SETUP_SINGLE_ISSUER) != 0;
    made.features.submit_all = (params.flags & IORING_SETUP_SUBMIT_ALL) != 0;
    made.features.no_sqarray = (made.uring.flags & IORING_SETUP_NO_SQARRAY) != 0;
    made.features.min_wait = (params.features & IORING_FEAT_MIN_TIMEOUT) != 0;
    made.features.no_iowait = (params.features & feature_no_iowait) != 0;
    if (options.multishot) {
        Result<void> probed = RingProbe(*ring).run();
        if (!probed) return std::unexpected(probed.error());
    }
    made.enter_count = 0;
    return ring;
}

const RingFeatures& Ring::features() const {
    return state_->features;
}
int Ring::fd() const {
    return state_->uring.ring_fd;
}
uint32_t Ring::in_flight() const {
    return state_->in_flight;
}
uint64_t Ring::overflow_count() const {
    return state_->overflow_count;
}
uint64_t Ring::enter_count() const {
    return state_->enter_count;
}
void Ring::set_multishot(bool accept, bool recv) {
    state_->features.multishot_accept = accept;
    state_->features.multishot_recv = recv;
}

void Ring::run(const Completion& completion) {
    Op& op = *completion.op;
    FLUX_DCHECK(op.in_flight_);
    op.in_flight_ = (completion.flags & IORING_CQE_F_MORE) != 0;
    op.handler_(op, completion.result, completion.flags);
}

std::optional<uint16_t> Ring::buffer_of(uint32_t flags) {
    if ((flags & IORING_CQE_F_BUFFER) == 0) return std::nullopt;
    return static_cast<uint16_t>(flags >> IORING_CQE_BUFFER_SHIFT);
}

void Ring::accept_multishot(Op& op, int listener_fd) {
    if (!state_->features.multishot_accept) return accept_once(op, listener_fd);
    io_uring_sqe* sqe = state_->prepare(op);
    io_uring_prep_multishot_accept(sqe, listener_fd, nullptr, nullptr,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC);
    io_uring_sqe_set_data(sqe, &op);
}

void Ring::accept_once(Op& op, int listener_fd) {
    io_uring_sqe* sqe = state_->prepare(op);
    io_uring_prep_accept(sqe, listener_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    io_uring_sqe_set_data(sqe, &op);
}

void Ring::recv_multishot(Op& op, int fd, uint16_t buffer_group) {
    if (!state_->features.multishot_recv) return recv_once(op, fd, buffer_group);
    io_uring_sqe* sqe = state_->prepare(op);
    io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
    select_buffer(sqe, buffer_group);
    io_uring_sqe_set_data(sqe, &op);
}

void Ring::recv_once(Op& op, int fd, uint16_t buffer_group) {
    io_uring_sqe* sqe = state_->prepare(op);
    io_uring_prep_recv(sqe, fd, nullptr, 0, 0);
    select_buffer(sqe, buffer_group);
    io_uring_sqe_set_data(sqe, &op);
}

void Ring::recv(Op& op, int fd, std::span<char> into) {
    io_uring_sqe* sqe = state_->prepare(op);
    io_uring_prep_recv(sqe, fd, into.data(), into.size(), 0);
    io_uring_sqe_set_data(sqe, &op);
}

void Ring::read(Op& op, int fd, std::span<char> into) {
    FLUX_CHECK(into.size() <= std::numeric_limits<uint32_t>::max());
    io_uring_sqe* sqe = state_->prepare(op);
    io_uring_prep_read(sqe, fd, into.data(), static_cast<unsigned>(into.size()),
                       std::numeric_limits<uint64_t>::max());
    io_uring_sqe_set_data(sqe, &op);
}

void Ring::sendmsg(Op& op, int fd, const msghdr& message) {
    io_uring_sqe* sqe = state_->prepare(op);
    io_uring_prep_sendmsg(sqe, fd, &message, MSG_NOSIGNAL | MSG_WAITALL);
    io_uring_sqe_set_data(sqe, &op);
}

void Ring::poll_once(Op& op, int fd, uint32_t poll_mask) {
    io_uring_sqe* sqe = state_->prepare(op);
    io_uring_prep_poll_add(sqe, fd, poll_mask);
    io_uring_sqe_set_data(sqe, &op);
}

void Ring::connect(Op& op, int fd, const sockaddr* address, socklen_t address_bytes) {
    io_uring_sqe* sqe = state_->prepare(op);
    io_uring_prep_connect(sqe, fd, address, address_bytes);
    io_uring_sqe_set_data(sqe, &op);
}

void Ring::nop(Op& op) {
    io_uring_sqe* sqe = state_->prepare(op);
    io_uring_prep_nop(sqe);
    io_uring_sqe_set_data(sqe, &op);
}

void Ring::cancel_fd(Op& op, int fd) {
    io_uring_sqe* sqe = state_->prepare(op);
    io_uring_prep_cancel_fd(sqe, fd, IORING_ASYNC_CANCEL_ALL);
    io_uring_sqe_set_data(sqe, &op);
}

void Ring::cancel(Op& op, Op& target) {
    io_uring_sqe* sqe = state_->prepare(op);
    io_uring_prep_cancel(sqe, &target, 0);
    io_uring_sqe_set_data(sqe, &op);
}

Result<void> Ring::register_buffers(uint16_t group, std::span<char> memory, uint32_t entries,
                                    uint32_t entry_bytes) {
    State::BufferGroup& made = state_->group(group);
    FLUX_CHECK(made.ring == nullptr && entries != 0 && entries <= 32'768);
    FLUX_CHECK((entries & (entries - 1)) == 0 && memory.size() / entries >= entry_bytes);
    int outcome = 0;
    io_uring_buf_ring* ring = io_uring_setup_buf_ring(&state_->uring, entries, group, 0, &outcome);
    if (ring == nullptr)
        return std::unexpected(error_from_errno(-outcome, "io_uring_setup_buf_ring"));
    acquire_order(&mappings_of_rings);
    made = {ring, memory.data(), entries, entry_bytes, memory.size() / entries};
    for (uint32_t id = 0; id < entries; ++id)
        return_buffer(group, static_cast<uint16_t>(id));
    return {};
}

void Ring::return_buffer(uint16_t group, uint16_t buffer_id) {
    const State::BufferGroup& of = state_->group(group);
    FLUX_CHECK(of.ring != nullptr && buffer_id < of.entries);
    io_uring_buf_ring_add(of.ring, of.memory + buffer_id * of.distance_bytes, of.entry_bytes,
                          buffer_id, io_uring_buf_ring_mask(of.entries), 0);
    io_uring_buf_ring_advance(of.ring, 1);
}

void Ring::unregister_buffers(uint16_t group) {
    State::BufferGroup& gone = state_->group(group);
    FLUX_CHECK(gone.ring != nullptr);
    release_order(&mappings_of_rings);
    const int outcome = io_uring_free_buf_ring(&state_->uring, gone.ring, gone.entries, group);
    FLUX_CHECK_OP(outcome, ==, 0);
    gone = {};
}

Result<void> Ring::submit_and_wait(Duration wait) {
    State& state = *state_;
    const bool ready =
        state.stash_next < state.stash.size() || io_uring_cq_ready(&state.uring) != 0;
    const bool waits = wait > Duration::zero() && !ready;
    if (!waits && state.publish_sqes() == 0 && !state.kernel_has_work()) return {};

    const __kernel_timespec end = waits ? to_timespec(wait) : __kernel_timespec{};
    const bool bounded = waits && wait != Duration::max();
    const int outcome = state.enter(waits ? 1 : 0, bounded ? &end : nullptr);
    if ((IO_URING_READ_ONCE(*state.uring.sq.kflags) & IORING_SQ_CQ_OVERFLOW) != 0)
        ++state.overflow_count;
    if (IO_URING_READ_ONCE(*state.uring.cq.koverflow) != 0)
        return std::unexpected(Error{ErrorCode::unexpected, EBADR, "completions were lost"});
    if (outcome >= 0 || outcome == -ETIME || outcome == -EINTR || outcome == -EAGAIN ||
        outcome == -EBUSY)
        return {};
    return std::unexpected(error_from_errno(-outcome, "io_uring_enter"));
}

size_t Ring::reap(std::span<Completion> out) {
    State& state = *state_;
    size_t count = 0;
    while (count < out.size() && state.stash_next < state.stash.size())
        out[count++] = state.stash[state.stash_next++];
    if (state.stash_next != 0 && state.stash_next == state.stash.size()) {
        state.stash.clear();
        state.stash_next = 0;
    }
    return count + state.reap_queue(out.subspan(count));
}

}  // namespace fluxgate::loop
