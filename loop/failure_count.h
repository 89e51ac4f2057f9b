// Which of many failures in a row are worth a log line: the 1st, 2nd, 4th, 8th ...
#pragma once

#include <bit>
#include <cstdint>

namespace fluxgate::loop {

class FailureCount {
public:
    // Counts one; true where it is worth a line, which should say in_a_row().
    [[nodiscard]] bool add() { return std::has_single_bit(++in_a_row_); }
    void reset() { in_a_row_ = 0; }
    [[nodiscard]] uint64_t in_a_row() const { return in_a_row_; }

private:
    uint64_t in_a_row_ = 0;
};

}  // namespace fluxgate::loop
