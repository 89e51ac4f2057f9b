// TcpStream: receiving, sending, starving. Closing is in socket_close_test.cc.
#include "loop/socket.h"

#include <gtest/gtest.h>

#include "tests/loop/socket_fixture.h"

namespace fluxgate::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Kernel, SocketTest, testing::Bool(), kernel_name);

TEST_P(SocketTest, ReceivesWhatThePeerSends) {
    Connection& connection = connect();
    connection.stream->start_receiving();
    write_all(connection.client.get(), "hello");
    ASSERT_TRUE(run_until([&] { return connection.sink.received == "hello"; }));
    write_all(connection.client.get(), " again");
    ASSERT_TRUE(run_until([&] { return connection.sink.received == "hello again"; }));
    EXPECT_FALSE(connection.sink.ended);
}

TEST_P(SocketTest, ReceivesWhatWasThereBeforeItStarted) {
    Connection& connection = connect();
    write_all(connection.client.get(), "early");
    loop_->run_until_idle();
    EXPECT_EQ(connection.sink.received, "");
    connection.stream->start_receiving();
    ASSERT_TRUE(run_until([&] { return connection.sink.received == "early"; }));
}

TEST_P(SocketTest, ReceivesEightMegabytesWithoutAHole) {
    Connection& connection = connect();
    connection.stream->start_receiving();
    const std::string bytes = pattern(8 << 20);
    size_t pushed = 0;
    ASSERT_TRUE(run_until([&] {
        pushed = push(connection, bytes, pushed);
        return connection.sink.received.size() == bytes.size();
    }));
    EXPECT_TRUE(connection.sink.received == bytes);
    EXPECT_EQ(buffers_->free_slots(), buffers_->slots());
    EXPECT_EQ(context_->bytes_received, bytes.size());
}

TEST_P(SocketTest, ReceivesOneByteAtATime) {
    Connection& connection = connect();
    connection.stream->start_receiving();
    const std::string bytes = pattern(300);
    for (char byte : bytes) {
        write_all(connection.client.get(), std::string_view(&byte, 1));
        loop_->run_turn(0ms);
    }
    ASSERT_TRUE(run_until([&] { return connection.sink.received.size() == bytes.size(); }));
    EXPECT_EQ(connection.sink.received, bytes);
}

TEST_P(SocketTest, AfterStopReceivingThePeerHasToWait) {
    Connection& connection = connect();
    connection.stream->start_receiving();
    loop_->run_until_idle();
    connection.stream->stop_receiving();
    loop_->run_until_idle();
    write_all(connection.client.get(), "later");
    loop_->run_until_idle();
    EXPECT_EQ(connection.sink.received, "");
    connection.stream->start_receiving();
    ASSERT_TRUE(run_until([&] { return connection.sink.received == "later"; }));
}

TEST_P(SocketTest, StoppingAndStartingManyTimesInATurnLosesNothing) {
    Connection& connection = connect();
    const std::string bytes = pattern(200'000);
    size_t pushed = 0;
    int round = 0;
    connection.stream->start_receiving();
    ASSERT_TRUE(run_until([&] {
        pushed = push(connection, bytes, pushed);
        ++round;
        for (int i = 0; i < round % 4; ++i) {
            connection.stream->stop_receiving();
            if (i + round % 3 != 3) connection.stream->start_receiving();
        }
        return connection.sink.received.size() == bytes.size();
    }));
    EXPECT_TRUE(connection.sink.received == bytes);
}

TEST_P(SocketTest, StopInsideTheCallbackIsHeeded) {
    Connection& connection = connect();
    connection.sink.on_received = [&] { connection.stream->stop_receiving(); };
    connection.stream->start_receiving();
    const std::string bytes = pattern(100'000);
    size_t pushed = 0;
    ASSERT_TRUE(run_until([&] {
        pushed = push(connection, bytes, pushed);
        connection.stream->start_receiving();
        return connection.sink.received.size() == bytes.size();
    }));
    EXPECT_TRUE(connection.sink.received == bytes);
}

TEST_P(SocketTest, SendsMoreThanTheKernelHoldsAndReportsOnce) {
    Connection& connection = connect();
    const std::string bytes = pattern(16 << 20);
    send_text(connection, bytes);
    loop_->run_until_idle();
    EXPECT_TRUE(connection.sink.sent.empty()) << "reported before the peer read anything";
    Arrived arrived;
    ASSERT_TRUE(run_until([&] {
        read_arrived(connection.client.get(), &arrived);
        return arrived.bytes.size() == bytes.size();
    }));
    ASSERT_TRUE(run_until([&] { return !connection.sink.sent.empty(); }));
    ASSERT_EQ(connection.sink.sent.size(), 1U);
    EXPECT_EQ(connection.sink.sent[0], bytes.size());
    EXPECT_TRUE(arrived.bytes == bytes);
}

TEST_P(SocketTest, SendsManyPartsInOrderAndDoesNotNeedTheirArray) {
    Connection& connection = connect();
    const std::string bytes = pattern(64 * 1000);
    {
        std::array<iovec, loop::Stream::send_parts_max> parts{};
        for (size_t i = 0; i < parts.size(); ++i)
            parts[i] = {.iov_base = const_cast<char*>(bytes.data()) + i * 1000, .iov_len = 1000};
        connection.stream->send(parts);
        parts.fill({});
    }
    Arrived arrived;
    ASSERT_TRUE(run_until([&] {
        read_arrived(connection.client.get(), &arrived);
        return arrived.bytes.size() == bytes.size();
    }));
    EXPECT_TRUE(arrived.bytes == bytes);
    ASSERT_EQ(connection.sink.sent.size(), 1U);
    EXPECT_EQ(connection.sink.sent[0], bytes.size());
}

TEST_P(SocketTest, SendsAnswersFromInsideTheCallbacks) {
    Connection& connection = connect();
    std::string answer;
    connection.sink.on_received = [&] {
        answer = connection.sink.received;
        send_text(connection, answer);
    };
    connection.stream->start_receiving();
    write_all(connection.client.get(), "echo");
    Arrived arrived;
    ASSERT_TRUE(run_until([&] {
        read_arrived(connection.client.get(), &arrived);
        return arrived.bytes == "echo";
    }));
}

TEST_P(SocketTest, AnEmptySendCompletes) {
    Connection& connection = connect();
    connection.stream->send({});
    ASSERT_TRUE(run_until([&] { return connection.sink.sent.size() == 1; }));
    EXPECT_EQ(connection.sink.sent[0], 0U);
}

TEST_P(SocketTest, AHalfClosedPeerStillGetsItsAnswer) {
    Connection& connection = connect();
    connection.stream->start_receiving();
    write_all(connection.client.get(), "last request");
    ::shutdown(connection.client.get(), SHUT_WR);
    ASSERT_TRUE(run_until([&] { return connection.sink.ended.has_value(); }));
    EXPECT_EQ(connection.sink.received, "last request");
    EXPECT_EQ(connection.sink.ended->code, loop::ErrorCode::closed);
    const std::string answer = pattern(100'000);
    send_text(connection, answer);
    Arrived arrived;
    ASSERT_TRUE(run_until([&] {
        read_arrived(connection.client.get(), &arrived);
        return arrived.bytes.size() == answer.size();
    }));
    EXPECT_TRUE(arrived.bytes == answer);
}

TEST_P(SocketTest, AResetEndsTheStreamOnce) {
    Connection& connection = connect();
    connection.stream->start_receiving();
    write_all(connection.client.get(), "some");
    ASSERT_TRUE(run_until([&] { return connection.sink.received == "some"; }));
    reset_on_close(connection.client.get());
    connection.client.reset();
    ASSERT_TRUE(run_until([&] { return connection.sink.ended.has_value(); }));
    EXPECT_EQ(connection.sink.ended->code, loop::ErrorCode::reset);
    EXPECT_EQ(connection.sink.ended->os_errno, ECONNRESET);
    connection.stream->start_receiving();  // of no effect
    loop_->run_until_idle();
}

TEST_P(SocketTest, AResetFailsTheSendThatIsUnderWay) {
    Connection& connection = connect();
    connection.stream->start_receiving();
    const std::string bytes = pattern(16 << 20);
    send_text(connection, bytes);
    loop_->run_until_idle();
    ASSERT_TRUE(connection.sink.sent.empty());
    reset_on_close(connection.client.get());
    connection.client.reset();
    ASSERT_TRUE(run_until(
        [&] { return connection.sink.ended.has_value() && !connection.sink.sent.empty(); }));
    ASSERT_FALSE(connection.sink.sent[0]);
    EXPECT_EQ(connection.sink.sent[0].error().code, loop::ErrorCode::reset);
}

TEST_P(SocketTest, ASendToAPeerThatIsGoneFailsWithoutASignal) {
    Connection& connection = connect();
    reset_on_close(connection.client.get());
    connection.client.reset();
    const std::string bytes = "too late";
    for (int i = 0; i < 2; ++i) {
        send_text(connection, bytes);
        const size_t sends = connection.sink.sent.size();
        ASSERT_TRUE(run_until([&] { return connection.sink.sent.size() > sends; }));
    }
    EXPECT_FALSE(connection.sink.sent.back());
}

TEST_P(SocketTest, ShutdownSendsEverythingBeforeTheFin) {
    Connection& connection = connect();
    connection.stream->start_receiving();
    const std::string bytes = pattern(4 << 20);
    send_text(connection, bytes);
    connection.stream->shutdown_send();
    connection.stream->shutdown_send();
    Arrived arrived;
    ASSERT_TRUE(run_until([&] {
        read_arrived(connection.client.get(), &arrived);
        return arrived.ended;
    }));
    EXPECT_EQ(arrived.error, 0);
    EXPECT_TRUE(arrived.bytes == bytes);
    write_all(connection.client.get(), "still heard");  // receiving goes on
    ASSERT_TRUE(run_until([&] { return connection.sink.received == "still heard"; }));
}

// ---- starving

TEST_P(SocketTest, SixteenPeersShareTwoSlots) {
    use_slots(2);
    const std::string bytes = pattern(100'000);
    std::vector<size_t> pushed(16);
    for (int i = 0; i < 16; ++i)
        connect().stream->start_receiving();
    const uint64_t turns = loop_->turns();
    ASSERT_TRUE(run_until([&] {
        bool all = true;
        for (size_t i = 0; i < connections_.size(); ++i) {
            pushed[i] = push(*connections_[i], bytes, pushed[i]);
            all = all && connections_[i]->sink.received.size() == bytes.size();
        }
        return all;
    }));
    for (auto& connection : connections_)
        EXPECT_TRUE(connection->sink.received == bytes);
    EXPECT_GT(buffers_->starved_count(), 0U);
    EXPECT_EQ(buffers_->free_slots(), 2U);
    // 16 x 25 slots went through two: a few turns for each, and no spinning.
    EXPECT_LT(loop_->turns() - turns, 4000U);
    const uint64_t idle = loop_->turns();
    loop_->run_until_idle();
    EXPECT_LE(loop_->turns() - idle, 6U);
}

TEST_P(SocketTest, SilentPeersDoNotKeepASlotFromThoseThatSpeak) {
    use_slots(2);
    for (int i = 0; i < 50; ++i)
        connect().stream->start_receiving();
    loop_->run_until_idle();
    for (int round = 0; round < 5; ++round) {
        Connection& speaker = *connections_[static_cast<size_t>(49 - round)];
        write_all(speaker.client.get(), "word");
        ASSERT_TRUE(run_until([&] { return speaker.sink.received == "word"; }));
    }
}

TEST_P(SocketTest, AStarvedConnectionMayClose) {
    use_slots(2);
    const std::string bytes = pattern(50'000);
    for (int i = 0; i < 8; ++i) {
        Connection& connection = connect();
        connection.stream->start_receiving();
        push(connection, bytes, 0);
    }
    loop_->run_turn(0ms);  // some are starved now
    for (size_t i = 0; i < 8; i += 2)
        close_now(*connections_[i]);
    ASSERT_TRUE(run_until([&] {
        for (size_t i = 1; i < 8; i += 2)
            if (connections_[i]->sink.received.size() != bytes.size()) return false;
        return true;
    }));
    EXPECT_EQ(buffers_->free_slots(), 2U);
}

TEST_P(SocketTest, AGreedyPeerDoesNotStarveAModestOne) {
    use_slots(16);
    Connection& greedy = connect();
    Connection& modest = connect();
    greedy.stream->start_receiving();
    modest.stream->start_receiving();
    const std::string flood = pattern(1 << 20);
    for (int round = 0; round < 20; ++round) {
        for (int fill = 0; fill < 4; ++fill)
            push(greedy, flood, 0);
        write_all(modest.client.get(), "x");
        const size_t expected = modest.sink.received.size() + 1;
        int turns = 0;
        while (modest.sink.received.size() < expected && turns < 50) {
            push(greedy, flood, 0);
            loop_->run_turn(0ms);
            ++turns;
        }
        EXPECT_LT(turns, 50);
    }
    EXPECT_GE(greedy.sink.received.size(), 20U * loop::BufRing::payload_bytes_max);
    if (GetParam()) EXPECT_GT(context_->quota_pauses, 0U);
}

}  // namespace
}  // namespace fluxgate::test
