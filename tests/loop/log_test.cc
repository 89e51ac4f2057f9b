#include "loop/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <vector>

#include "loop/log_line.h"

namespace fluxgate::loop {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

std::string format(std::string_view event, std::initializer_list<log::Field> fields,
                   int64_t core = -1) {
    log::LineBuffer line;
    line.format("T ", log::Level::info, event, core, fields);
    return std::string(line.line());
}

TEST(LogLine, IsOneEventWithItsFields) {
    EXPECT_EQ(format("request", {{"path", "/mcp"}, {"status", 200}, {"delta", -1}, {"tls", true}}),
              "T info request path=/mcp status=200 delta=-1 tls=1\n");
    EXPECT_EQ(format("start", {}, 3), "T info start loop=3\n");
    EXPECT_EQ(format("limits", {{"low", INT64_MIN}, {"high", INT64_MAX}}),
              "T info limits low=-9223372036854775808 high=9223372036854775807\n");
}

TEST(LogLine, AValueCannotForgeAFieldOrALine) {
    EXPECT_EQ(format("e", {{"v", "a b"}}), "T info e v=\"a b\"\n");
    EXPECT_EQ(format("e", {{"v", ""}}), "T info e v=\"\"\n");
    EXPECT_EQ(format("e", {{"v", "x status=200"}}), "T info e v=\"x status=200\"\n");
    EXPECT_EQ(format("e", {{"v", "x\nT error forged"}}), "T info e v=\"x\\nT error forged\"\n");
    EXPECT_EQ(format("e", {{"v", "\" w=\""}}), "T info e v=\"\\\" w=\\\"\"\n");
    EXPECT_EQ(format("e", {{"v", "\\"}}), "T info e v=\"\\\\\"\n");
}

TEST(LogLine, NothingReachesATerminalUnescaped) {
    EXPECT_EQ(format("e", {{"v", "\x1b[2J"}}), "T info e v=\"\\x1b[2J\"\n");
    EXPECT_EQ(format("e", {{"v", "\xe2\x80\xae"}}), "T info e v=\"\\xe2\\x80\\xae\"\n");
    for (int byte = 0; byte < 256; ++byte) {
        const char value = static_cast<char>(byte);
        const std::string line = format("e", {{"v", std::string_view(&value, 1)}});
        EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
        EXPECT_TRUE(std::all_of(line.begin(), line.end() - 1, [](char at) {
            return at >= 0x20 && at < 0x7f;
        })) << byte;
    }
}

TEST(LogLine, ALongValueIsCut) {
    const std::string line = format("e", {{"v", std::string(5000, 'x')}, {"after", 1}});
    EXPECT_EQ(line, "T info e v=\"" + std::string(log::value_bytes_max, 'x') + "...\" after=1\n");
}

TEST(LogLine, ALongLineSaysThatItIsTruncated) {
    const std::string wide(log::value_bytes_max, '\n');
    for (const std::string& value : {wide, std::string(log::value_bytes_max, 'y')}) {
        const std::string line = format(
            "e",
            {{"a", value}, {"b", value}, {"c", value}, {"d", value}, {"e", value}, {"f", value}});
        EXPECT_LE(line.size(), log::line_bytes_max);
        EXPECT_GT(line.size(), log::line_bytes_max / 2);
        EXPECT_TRUE(line.ends_with(" truncated=1\n"));
        EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
    }
}

TEST(LogLine, TheTimestampIsUtcWithMicroseconds) {
    const auto stamp = [](log::Timestamp& timestamp, WallTime at) {
        std::array<char, log::Timestamp::bytes> text;
        timestamp.write(at, text.data());
        return std::string(text.data(), text.size());
    };
    log::Timestamp timestamp;
    const WallTime at{seconds(1'800'000'000)};
    EXPECT_EQ(stamp(timestamp, at), "2027-01-15T08:00:00.000000Z ");
    EXPECT_EQ(stamp(timestamp, at + microseconds(7)), "2027-01-15T08:00:00.000007Z ");
    EXPECT_EQ(stamp(timestamp, at + microseconds(59'999'999)), "2027-01-15T08:00:59.999999Z ");
    EXPECT_EQ(stamp(timestamp, at), "2027-01-15T08:00:00.000000Z ");  // a clock that was set back
    EXPECT_EQ(stamp(timestamp, WallTime{seconds(951'782'400)}), "2000-02-29T00:00:00.000000Z ");
}

// A pipe as the log's destination; nobody reads it until the test does.
class LogTest : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(pipe2(fds_.data(), O_CLOEXEC), 0);
        log::set_level(log::Level::info);
    }
    void TearDown() override {
        log::set_fd(-1);
        for (int fd : fds_) {
            if (fd >= 0) close(fd);
        }
    }
    // What is in the pipe now.
    std::string read_all() {
        const int flags = fcntl(fds_[0], F_GETFL);
        fcntl(fds_[0], F_SETFL, flags | O_NONBLOCK);
        std::string text;
        std::array<char, 65536> piece;
        for (ssize_t bytes; (bytes = read(fds_[0], piece.data(), piece.size())) > 0;) {
            text.append(piece.data(), static_cast<size_t>(bytes));
        }
        return text;
    }
    static size_t count_of(std::string_view text, std::string_view what) {
        size_t count = 0;
        for (size_t at = text.find(what); at != std::string_view::npos;
             at = text.find(what, at + 1)) {
            ++count;
        }
        return count;
    }
    std::array<int, 2> fds_{-1, -1};
};

TEST_F(LogTest, WritesNothingUntilItHasAnFd) {
    log::error("before");
    EXPECT_FALSE(log::enabled(log::Level::error));
    EXPECT_TRUE(log::flush());
    log::set_fd(fds_[1]);
    log::info("after", {{"n", 1}});
    EXPECT_TRUE(log::flush());
    const std::string text = read_all();
    EXPECT_EQ(count_of(text, "\n"), 1U);
    EXPECT_EQ(count_of(text, "Z info after n=1\n"), 1U);
}

TEST_F(LogTest, LevelsBelowTheMinimumAreSilent) {
    log::set_fd(fds_[1]);
    log::debug("quiet");
    log::set_level(log::Level::error);
    log::warn("quiet");
    log::error("loud");
    EXPECT_FALSE(log::enabled(log::Level::warn));
    EXPECT_TRUE(log::flush());
    EXPECT_EQ(count_of(read_all(), "\n"), 1U);
}

TEST_F(LogTest, EndingTheLogWritesWhatThereIs) {
    log::set_fd(fds_[1]);
    for (int i = 0; i < 100; ++i) {
        log::info("line", {{"i", i}});
    }
    log::set_fd(-1);
    log::info("late");
    const std::string text = read_all();
    EXPECT_EQ(count_of(text, "\n"), 100U);
    EXPECT_EQ(count_of(text, "late"), 0U);
}

TEST_F(LogTest, AnIdleWriterWakesWithoutAFlush) {
    log::set_fd(fds_[1]);
    std::this_thread::sleep_for(std::chrono::milliseconds(3 * log::batch_ms));
    log::info("wake");
    std::array<char, 256> line;
    const ssize_t bytes = read(fds_[0], line.data(), line.size());  // blocks until it comes
    EXPECT_GT(bytes, 0);
}

TEST_F(LogTest, ThreadsDoNotMixTheirLines) {
    log::set_fd(fds_[1]);
    constexpr int lines = 100;
    {
        std::vector<std::jthread> threads;
        for (uint32_t core = 0; core < 4; ++core) {
            threads.emplace_back([core] {
                log::set_loop(core);
                for (int i = 0; i < lines; ++i) {
                    log::info("line", {{"text", "some words"}, {"i", i}});
                }
            });
        }
    }
    EXPECT_TRUE(log::flush());
    const std::string text = read_all();
    EXPECT_EQ(count_of(text, "\n"), 4U * lines);
    for (const char* core : {"loop=0 ", "loop=1 ", "loop=2 ", "loop=3 "}) {
        EXPECT_EQ(count_of(text, std::string("line ") + core + "text=\"some words\" i="), 100U);
    }
    // A new thread that takes over a buffer is not taken for the old one.
    std::thread([] { log::info("anonymous"); }).join();
    EXPECT_TRUE(log::flush());
    EXPECT_EQ(count_of(read_all(), "loop="), 0U);
}

TEST_F(LogTest, AStuckReaderCostsLinesAndNotTime) {
    log::set_fd(fds_[1]);
    const uint64_t dropped_before = log::dropped();
    const std::string value(400, 'x');
    constexpr uint64_t lines = 2000;  // more than the pipe and the ring hold
    for (uint64_t i = 0; i < lines; ++i) {
        log::info("line", {{"v", value}});
    }
    const uint64_t dropped = log::dropped() - dropped_before;
    EXPECT_GT(dropped, 0U);
    EXPECT_FALSE(log::flush(std::chrono::milliseconds(50)));
    // The reader comes back: every line was either written or counted, and the log says so.
    std::string text;
    while (!log::flush(std::chrono::milliseconds(20))) {
        text += read_all();
    }
    text += read_all();
    EXPECT_EQ(count_of(text, "Z info line v="), lines - dropped);
    EXPECT_EQ(count_of(text, "Z warn log_dropped lines="), 1U);
    EXPECT_EQ(log::dropped() - dropped_before, dropped);
}

TEST_F(LogTest, ABrokenPipeDropsAndDoesNotKill) {
    log::set_fd(fds_[1]);
    close(fds_[0]);
    fds_[0] = -1;
    const uint64_t before = log::dropped();
    log::info("lost");
    EXPECT_TRUE(log::flush());
    EXPECT_EQ(log::dropped() - before, 1U);
}

TEST_F(LogTest, ARegularFileWorksToo) {
    std::string path = ::testing::TempDir() + "fluxgate-log-XXXXXX";
    const int fd = mkstemp(path.data());
    ASSERT_GE(fd, 0);
    unlink(path.c_str());
    log::set_fd(fd);
    for (int i = 0; i < 1000; ++i) {
        log::info("line", {{"i", i}});
    }
    EXPECT_TRUE(log::flush());
    std::string text(100'000, '\0');
    const ssize_t bytes = pread(fd, text.data(), text.size(), 0);
    text.resize(static_cast<size_t>(std::max<ssize_t>(bytes, 0)));
    EXPECT_EQ(count_of(text, "\n"), 1000U);
    EXPECT_TRUE(text.ends_with("line i=999\n"));
    log::set_fd(-1);
    close(fd);
}

}  // namespace
}  // namespace fluxgate::loop
