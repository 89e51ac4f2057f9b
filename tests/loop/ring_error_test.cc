// What a ring does where it can not work: no permission, misuse of ours.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cstddef>
#include <cstdio>

#include "loop/poll.h"
#include "loop/ring.h"
#include "tests/loop/loop_fixture.h"

namespace fluxgate::loop {
namespace {

using namespace std::chrono_literals;

struct SilentOp : Op {
    SilentOp() : Op([](Op&, int32_t, uint32_t) {}) {}
};

// As a container's default profile does: io_uring_setup fails with `os_errno`.
void forbid_io_uring(uint32_t os_errno) {
    std::array<sock_filter, 4> filter = {{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offsetof(seccomp_data, nr))),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | os_errno),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog program{.len = filter.size(), .filter = filter.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) std::abort();
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) std::abort();
}

[[noreturn]] void create_under_filter(uint32_t os_errno, ErrorCode expected) {
    forbid_io_uring(os_errno);
    const Result<std::unique_ptr<Ring>> ring = Ring::create({});
    if (ring || ring.error().code != expected) ::_exit(1);
    std::fprintf(stderr, "%s\n", ring_permission_hint(ring.error()).c_str());
    ::_exit(78);
}

TEST(RingErrorDeathTest, SaysHowToAllowItWhereSeccompForbidsIt) {
    EXPECT_EXIT(create_under_filter(EPERM, ErrorCode::not_permitted), testing::ExitedWithCode(78),
                "io_uring_setup, io_uring_enter and io_uring_register");
}

TEST(RingErrorDeathTest, SaysSoWhereTheKernelHasNone) {
    EXPECT_EXIT(create_under_filter(ENOSYS, ErrorCode::not_supported), testing::ExitedWithCode(78),
                "Linux 6.1");
}

TEST(RingErrorDeathTest, NamesTheMemoryLimit) {
    EXPECT_EXIT(create_under_filter(ENOMEM, ErrorCode::exhausted), testing::ExitedWithCode(78),
                "LimitMEMLOCK");
}

TEST(RingErrorDeathTest, AnOperationThatDiesInFlightAborts) {
    EXPECT_DEATH(
        {
            auto ring = Ring::create({});
            SilentOp op;
            (*ring)->nop(op);
        },
        "in_flight");
}

TEST(RingErrorDeathTest, PreparingAnOperationTwiceAborts) {
    EXPECT_DEATH(
        {
            auto ring = Ring::create({});
            static SilentOp op;
            (*ring)->nop(op);
            (*ring)->nop(op);
        },
        "in_flight");
}

TEST(RingErrorDeathTest, ARingThatDiesWithOperationsInFlightAborts) {
    EXPECT_DEATH(
        {
            auto ring = Ring::create({});
            static SilentOp op;
            (*ring)->poll_once(op, ::eventfd(0, 0), POLLIN);
            ignore((*ring)->submit_and_wait(0ms), "the abort is what matters");
            ring->reset();
        },
        "in_flight");
}

TEST(RingError, HintsAreOneLine) {
    for (int os_errno : {EPERM, ENOSYS, ENOMEM, EMFILE, EINVAL, 0}) {
        const std::string hint = ring_permission_hint(Error{ErrorCode::unexpected, os_errno, "x"});
        EXPECT_FALSE(hint.empty());
        EXPECT_EQ(hint.find('\n'), std::string::npos) << hint;
    }
}

[[noreturn]] void create_without_descriptors() {
    const rlimit none{.rlim_cur = 3, .rlim_max = 3};
    ::setrlimit(RLIMIT_NOFILE, &none);
    const auto ring = Ring::create({});
    ::_exit(!ring && ring.error().code == ErrorCode::exhausted ? 0 : 1);
}

TEST(RingErrorDeathTest, NoDescriptorLeftIsAnErrorAndNoCrash) {
    EXPECT_EXIT(create_without_descriptors(), testing::ExitedWithCode(0), "");
}

TEST(RingError, BadDescriptorsCompleteWithAnError) {
    auto ring = Ring::create({});
    ASSERT_TRUE(ring);
    struct NotedOp : Op {
        NotedOp()
            : Op([](Op& op, int32_t result, uint32_t) {
                  static_cast<NotedOp&>(op).seen = result;
              }) {}
        int32_t seen = 0;
    } receive, accept;
    std::array<char, 4> into{};
    (*ring)->recv(receive, -1, into);
    (*ring)->accept_multishot(accept, 0x7ffffff0);
    ASSERT_TRUE((*ring)->submit_and_wait(1s));
    std::array<Completion, 4> batch{};
    const size_t count = (*ring)->reap(batch);
    ASSERT_EQ(count, 2U);
    for (size_t i = 0; i < count; ++i)
        Ring::run(batch[i]);
    EXPECT_EQ(receive.seen, -EBADF);
    EXPECT_EQ(accept.seen, -EBADF);
}

}  // namespace
}  // namespace fluxgate::loop
