// The log lines of a test, instead of stderr, while it lives. One at a time: the log is the
// process's.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "loop/check.h"
#include "loop/log.h"

namespace fluxgate::test {

class LogCapture {
public:
    LogCapture() {
        FLUX_CHECK(pipe2(fds_.data(), O_CLOEXEC | O_NONBLOCK) == 0);
        loop::log::set_fd(fds_[1]);
    }
    ~LogCapture() {
        loop::log::set_fd(-1);
        for (const int fd : fds_)
            close(fd);
    }
    LogCapture(const LogCapture&) = delete;
    LogCapture& operator=(const LogCapture&) = delete;

    // Everything so far.
    [[nodiscard]] const std::string& text() {
        FLUX_CHECK(loop::log::flush());
        std::array<char, 65536> piece;
        for (ssize_t bytes; (bytes = read(fds_[0], piece.data(), piece.size())) > 0;)
            text_.append(piece.data(), static_cast<size_t>(bytes));
        return text_;
    }
    // Lines of that event.
    [[nodiscard]] size_t count_of(std::string_view event) {
        const std::string word = " " + std::string(event) + " ";
        size_t count = 0;
        for (size_t at = text().find(word); at != std::string::npos; at = text_.find(word, at + 1))
            ++count;
        return count;
    }

private:
    std::array<int, 2> fds_{-1, -1};
    std::string text_;
};

}  // namespace fluxgate::test
