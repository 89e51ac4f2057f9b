// What a Listener does when accepting fails. Descriptor limits are lowered in a child process.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "loop/sanitizer.h"
#include "tests/loop/listener_fixture.h"
#include "tests/support/manual_clock.h"

namespace fluxgate::test {
namespace {

using loop::ErrorCode;
using loop::Listener;

TEST(ListenerError, RefusesAnAddressThatIsNone) {
    auto loop = make_loop();
    RecordingHandler handler;
    for (const char* address : {"", "localhost", "256.0.0.1", "1.2.3", "::g", "127.0.0.1:80"}) {
        auto opened = Listener::open(*loop, {.address = address}, nullptr, handler);
        ASSERT_FALSE(opened) << address;
        EXPECT_EQ(opened.error().code, ErrorCode::invalid);
    }
}

TEST(ListenerError, SaysThatThePortIsTaken) {
    auto loop = make_loop();
    RecordingHandler handler;
    uint16_t port = 0;
    const Fd holder = listen_on_loopback(&port);
    const size_t before = open_fds();
    auto opened = Listener::open(*loop, {.address = "127.0.0.1", .port = port}, nullptr, handler);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().os_errno, EADDRINUSE);
    EXPECT_STREQ(opened.error().what, "bind");
    EXPECT_EQ(open_fds(), before);
}

TEST(ListenerError, RefusesAnInheritedFdThatDoesNotListen) {
    auto loop = make_loop();
    RecordingHandler handler;
    const Fd plain(::socket(AF_INET, SOCK_STREAM, 0));
    const Fd file(::open("/dev/null", O_RDONLY));
    for (int fd : {plain.get(), file.get()})
        EXPECT_FALSE(Listener::open(*loop, {.inherited_fd = fd}, nullptr, handler));
}

TEST(ListenerError, AClientThatIsGoneBeforeItWasAcceptedIsNoHarm) {
    auto loop = make_loop();
    RecordingHandler handler;
    auto listener = open_listener(*loop, handler);
    for (int i = 0; i < 20; ++i) {
        Fd client = connect_to(listener->port());
        reset_on_close(client.get());
    }
    listener->start();
    loop->run_until_idle();
    const Fd client = connect_to(listener->port());
    ASSERT_TRUE(run_until(
        *loop, [&] { return handler.fds.size() + listener->stats().accept_errors >= 21; }));
    EXPECT_GE(handler.fds.size(), 1U);
    close_listener(*loop, *listener, handler);
}

TEST(ListenerError, ASocketThatBreaksStopsAcceptingAndDoesNotSpin) {
    auto loop = make_loop();
    RecordingHandler handler;
    uint16_t port = 0;
    const Fd inherited = listen_on_loopback(&port);
    auto listener = open_listener(*loop, handler, {.inherited_fd = inherited.get()});
    listener->start();
    loop->run_until_idle();
    ::shutdown(inherited.get(), SHUT_RDWR);  // it does not listen any more: EINVAL for ever
    for (int i = 0; i < 100; ++i)
        loop->run_turn(0ms);
    EXPECT_LE(listener->stats().arms, 2U);
    EXPECT_GE(listener->stats().accept_errors, 1U);
    close_listener(*loop, *listener, handler);
}

// ---- descriptors used up, in a child process

#define CHILD_EXPECT(condition)                                          \
    do {                                                                 \
        if (!(condition)) {                                              \
            std::fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            ::_exit(1);                                                  \
        }                                                                \
    } while (false)

// Lowers the limit so that `left` descriptors are left; returns the old one.
rlimit leave_fds(size_t left) {
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    size_t highest = 0;
    for (size_t fd = 0; fd < 4096; ++fd)
        if (::fcntl(static_cast<int>(fd), F_GETFD) >= 0) highest = fd;
    rlimit lowered = before;
    lowered.rlim_cur = highest + 1 + left;
    ::setrlimit(RLIMIT_NOFILE, &lowered);
    // Fill the holes below, so that exactly `left` are left.
    while (true) {
        const int fd = ::fcntl(0, F_DUPFD, 0);
        if (fd < 0 || static_cast<size_t>(fd) > highest) {
            if (fd >= 0) ::close(fd);
            break;
        }
    }
    return before;
}

struct Child {
    ManualClock clock;
    std::unique_ptr<loop::Loop> loop;
    RecordingHandler handler;
    std::unique_ptr<Listener> listener;
    std::vector<Fd> clients;

    explicit Child(bool multishot) {
        loop = make_loop({.clock = &clock, .ring = {.multishot = multishot}});
        listener = open_listener(*loop, handler);
    }
    void connect(int count) {
        for (int i = 0; i < count; ++i)
            clients.push_back(connect_to(listener->port()));
    }
};

[[noreturn]] void use_up_descriptors(bool multishot) {
    Child child(multishot);
    child.connect(20);  // wait in the backlog; their sockets exist before the limit falls
    const rlimit before = leave_fds(5);
    child.listener->start();
    for (int i = 0; i < 1000; ++i)
        child.loop->run_turn(0ms);
    const loop::ListenerStats& stats = child.listener->stats();
    CHILD_EXPECT(child.handler.fds.size() == 5);
    CHILD_EXPECT(stats.accept_errors == 1);  // a naive one: hundreds of thousands
    CHILD_EXPECT(stats.exhausted_pauses == 1);
    CHILD_EXPECT(stats.shed == 15);  // told at once, by the spare descriptor
    size_t ended = 0;
    for (const Fd& client : child.clients)
        ended += is_ended(client) ? 1 : 0;
    CHILD_EXPECT(ended == 15);

    // It looks again each 100 ms, and not before.
    for (uint64_t pause = 2; pause < 7; ++pause) {
        child.clock.advance(99ms);
        for (int i = 0; i < 100; ++i)
            child.loop->run_turn(0ms);
        CHILD_EXPECT(stats.exhausted_pauses == pause - 1);
        child.clock.advance(8ms);
        for (int i = 0; i < 100; ++i)
            child.loop->run_turn(0ms);
        CHILD_EXPECT(stats.exhausted_pauses == pause);
    }

    // And recovers when there are some again.
    ::setrlimit(RLIMIT_NOFILE, &before);
    child.connect(3);
    child.loop->run_until_idle();
    CHILD_EXPECT(child.handler.fds.size() == 5);
    child.clock.advance(108ms);
    CHILD_EXPECT(run_until(*child.loop, [&] { return child.handler.fds.size() == 8; }));
    child.listener->close();
    CHILD_EXPECT(run_until(*child.loop, [&] { return child.handler.closed; }));
    std::fprintf(stderr, "recovered\n");
    ::_exit(0);
}

// UBSan (on in the AddressSanitizer build) opens a pipe to look at a vptr, which fails here.
#define SKIP_UNDER_UBSAN() \
    if constexpr (loop::address_sanitizer) GTEST_SKIP() << "UBSan needs descriptors"

TEST(ListenerErrorDeathTest, UsedUpDescriptorsDoNotMakeItSpin) {
    SKIP_UNDER_UBSAN();
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(use_up_descriptors(true), testing::ExitedWithCode(0), "recovered");
}

TEST(ListenerErrorDeathTest, UsedUpDescriptorsDoNotMakeItSpinWithoutMultishot) {
    SKIP_UNDER_UBSAN();
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(use_up_descriptors(false), testing::ExitedWithCode(0), "recovered");
}

[[noreturn]] void close_while_paused() {
    Child child(true);
    child.connect(3);
    const rlimit before = leave_fds(0);
    child.listener->start();
    for (int i = 0; i < 10; ++i)
        child.loop->run_turn(0ms);
    CHILD_EXPECT(child.listener->stats().exhausted_pauses == 1);
    ::setrlimit(RLIMIT_NOFILE, &before);
    child.listener->close();
    CHILD_EXPECT(run_until(*child.loop, [&] { return child.handler.closed; }));
    std::fprintf(stderr, "closed\n");
    ::_exit(0);
}

TEST(ListenerErrorDeathTest, ClosesWhileItWaitsForDescriptors) {
    SKIP_UNDER_UBSAN();
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(close_while_paused(), testing::ExitedWithCode(0), "closed");
}

}  // namespace
}  // namespace fluxgate::test
