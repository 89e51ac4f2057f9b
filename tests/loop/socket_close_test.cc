// TcpStream: closing in every state, and what the peer sees of it.
#include <gtest/gtest.h>

#include "tests/loop/socket_fixture.h"

namespace fluxgate::test {
namespace {

using CloseMode = loop::Stream::CloseMode;

class SocketCloseTest : public SocketTest {
protected:
    void close_and_wait(Connection& connection, CloseMode mode) {
        connection.stream->close(mode);
        EXPECT_FALSE(connection.sink.closed) << "called from inside close()";
        ASSERT_TRUE(run_until([&] { return connection.sink.closed; }));
    }
    Arrived wait_for_end(Connection& connection) {
        Arrived arrived;
        EXPECT_TRUE(run_until([&] {
            read_arrived(connection.client.get(), &arrived);
            return arrived.ended;
        }));
        return arrived;
    }
};
INSTANTIATE_TEST_SUITE_P(Kernel, SocketCloseTest, testing::Bool(), kernel_name);

TEST_P(SocketCloseTest, AnIdleStreamClosesWithAFin) {
    Connection& connection = connect();
    connection.stream->start_receiving();
    loop_->run_until_idle();
    close_and_wait(connection, CloseMode::orderly);
    const Arrived arrived = wait_for_end(connection);
    EXPECT_EQ(arrived.error, 0);
    EXPECT_EQ(arrived.bytes, "");
    EXPECT_EQ(context_->sockets_open, 0U);
}

TEST_P(SocketCloseTest, AStreamThatWasNeverStartedClosesToo) {
    Connection& connection = connect();
    close_and_wait(connection, CloseMode::orderly);
    EXPECT_EQ(wait_for_end(connection).error, 0);
}

TEST_P(SocketCloseTest, AResetIsSeenAsOne) {
    Connection& connection = connect();
    connection.stream->start_receiving();
    loop_->run_until_idle();
    close_and_wait(connection, CloseMode::reset);
    EXPECT_EQ(wait_for_end(connection).error, ECONNRESET);
}

TEST_P(SocketCloseTest, WhatWasSentArrivesBeforeTheFin) {
    Connection& connection = connect();
    const std::string bytes = pattern(50'000);
    send_text(connection, bytes);
    ASSERT_TRUE(run_until([&] { return connection.sink.sent.size() == 1; }));
    close_and_wait(connection, CloseMode::orderly);
    const Arrived arrived = wait_for_end(connection);
    EXPECT_EQ(arrived.error, 0);
    EXPECT_TRUE(arrived.bytes == bytes);
}

TEST_P(SocketCloseTest, ASendUnderWayIsReportedBeforeTheEnd) {
    for (CloseMode mode : {CloseMode::orderly, CloseMode::reset}) {
        Connection& connection = connect();
        connection.stream->start_receiving();
        const std::string bytes = pattern(16 << 20);
        send_text(connection, bytes);
        loop_->run_until_idle();
        ASSERT_TRUE(connection.sink.sent.empty());
        close_and_wait(connection, mode);
        ASSERT_EQ(connection.sink.sent.size(), 1U);
        ASSERT_FALSE(connection.sink.sent[0]);
        EXPECT_EQ(connection.sink.sent[0].error().code, loop::ErrorCode::cancelled);
        const Arrived arrived = wait_for_end(connection);
        EXPECT_LT(arrived.bytes.size(), bytes.size());
        EXPECT_EQ(bytes.compare(0, arrived.bytes.size(), arrived.bytes), 0);
        if (mode == CloseMode::reset) EXPECT_EQ(arrived.error, ECONNRESET);
    }
}

TEST_P(SocketCloseTest, ClosingInTheTurnThatStartedEverythingIsQuiet) {
    Connection& connection = connect();
    const std::string bytes = pattern(16 << 20);
    connection.stream->start_receiving();
    send_text(connection, bytes);
    close_and_wait(connection, CloseMode::reset);  // nothing has even been submitted
    EXPECT_EQ(connection.sink.sent.size(), 1U);
}

TEST_P(SocketCloseTest, ClosingBehindAStopIsQuiet) {
    Connection& connection = connect();
    const std::string bytes = pattern(16 << 20);
    send_text(connection, bytes);
    connection.stream->start_receiving();
    loop_->run_until_idle();
    connection.stream->stop_receiving();  // its cancel is under way
    close_and_wait(connection, CloseMode::orderly);
    EXPECT_EQ(connection.sink.sent.size(), 1U);
}

TEST_P(SocketCloseTest, ClosingTwiceIsOnceAndMayTurnIntoAReset) {
    Connection& connection = connect();
    connection.stream->start_receiving();
    loop_->run_until_idle();
    connection.stream->close(CloseMode::orderly);
    connection.stream->close(CloseMode::reset);
    ASSERT_TRUE(run_until([&] { return connection.sink.closed; }));
    EXPECT_EQ(wait_for_end(connection).error, ECONNRESET);
}

TEST_P(SocketCloseTest, MayBeCalledFromEveryCallback) {
    Connection& receiving = connect();
    receiving.sink.on_received = [&] { receiving.stream->close(CloseMode::orderly); };
    receiving.stream->start_receiving();
    for (int i = 0; i < 5; ++i)
        write_all(receiving.client.get(), pattern(10'000));
    Connection& ending = connect();
    ending.sink.on_ended = [&] { ending.stream->close(CloseMode::orderly); };
    ending.stream->start_receiving();
    ::shutdown(ending.client.get(), SHUT_WR);
    Connection& sending = connect();
    sending.sink.on_sent = [&] { sending.stream->close(CloseMode::orderly); };
    const std::string bytes = "bye";
    send_text(sending, bytes);
    ASSERT_TRUE(run_until(
        [&] { return receiving.sink.closed && ending.sink.closed && sending.sink.closed; }));
    EXPECT_EQ(receiving.sink.receives, 1U);
    EXPECT_EQ(buffers_->free_slots(), buffers_->slots());
}

TEST_P(SocketCloseTest, TheStreamMayBeFreedInItsLastCallback) {
    Connection& connection = connect();
    connection.sink.on_closed = [&] { connection.stream.reset(); };
    connection.stream->start_receiving();
    loop_->run_until_idle();
    connection.stream->close(CloseMode::orderly);
    ASSERT_TRUE(run_until([&] { return connection.sink.closed; }));
    loop_->run_until_idle();
    EXPECT_EQ(connection.stream, nullptr);
}

TEST_P(SocketCloseTest, ALingeringCloseLetsThePeerReadTheAnswerThoughItStillSends) {
    Connection& connection = connect();
    connection.stream->start_receiving();
    const std::string upload = pattern(2 << 20);
    size_t pushed = push(connection, upload, 0);
    const std::string answer = "413";
    send_text(connection, answer);
    connection.stream->shutdown_send();
    Arrived arrived;
    ASSERT_TRUE(run_until([&] {
        pushed = push(connection, upload, pushed);
        read_arrived(connection.client.get(), &arrived);
        return arrived.ended && pushed == upload.size();
    }));
    EXPECT_EQ(arrived.bytes, "413");
    EXPECT_EQ(arrived.error, 0);
    ::shutdown(connection.client.get(), SHUT_WR);
    ASSERT_TRUE(run_until([&] { return connection.sink.ended.has_value(); }));
    close_and_wait(connection, CloseMode::orderly);
}

TEST_P(SocketCloseTest, AThousandConnectionsLeaveNoDescriptorAndNoSlotBehind) {
    const size_t before = open_fds();
    const std::string answer = pattern(5000);
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 50; ++i) {
            Connection& connection = connect();
            connection.stream->start_receiving();
            write_all(connection.client.get(), "request");
            if (i % 3 == 0) send_text(connection, answer);
            if (i % 5 == 0) reset_on_close(connection.client.get());
            if (i % 2 == 0) connection.client.reset();
        }
        loop_->run_turn(0ms);
        for (auto& connection : connections_)
            connection->stream->close(connections_.size() % 2 == 0 ? CloseMode::orderly
                                                                   : CloseMode::reset);
        ASSERT_TRUE(run_until([&] { return context_->sockets_open == 0; }));
        connections_.clear();
    }
    EXPECT_EQ(open_fds(), before);
    EXPECT_EQ(buffers_->free_slots(), buffers_->slots());
}

TEST(SocketDeathTest, AStreamThatDiesOpenAborts) {
    EXPECT_DEATH(
        {
            auto loop = make_loop();
            auto buffers = loop::BufRing::create(*loop, {.slots = 2});
            loop::SocketContext context(*loop, **buffers);
            TcpPair pair = make_tcp_pair();
            loop::TcpStream stream(context, pair.server.release(), {});
        },
        "fd_");
}

TEST_P(SocketCloseTest, TwoSendsAtATimeAbortBecauseThatIsABug) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");  // a ring does not survive fork()
    Connection& connection = connect();
    const std::string bytes = pattern(100);
    EXPECT_DEATH(
        {
            send_text(connection, bytes);
            send_text(connection, bytes);
        },
        "sending_");
}

}  // namespace
}  // namespace fluxgate::test
