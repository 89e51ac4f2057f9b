// Which statements (by shape: hash_of their text) have turned out slow, so that they do not hold up
// a shared fast lane. Bounded; holds only shapes that were once slow, so it is mostly empty.
//
// A shape becomes slow when it meets the fast lane's timeout, or when the moving average of its
// time passes `slow_at`. It comes back after `penalty_min` when its average on the slow lane has
// fallen under half of that.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>

#include "loop/clock.h"

namespace fluxgate::pg {

class ShapeTable {
public:
    static constexpr size_t shapes_max = 1024;  // the least recently seen one makes room
    static constexpr loop::Duration slow_at = std::chrono::milliseconds(25);
    static constexpr loop::Duration penalty_min = std::chrono::seconds(60);
    static constexpr int weight = 8;  // of the past in the average, against 1 for the newest

    [[nodiscard]] bool is_slow(uint64_t shape) const;
    // It ran for `took`, on whatever lane.
    void ran(uint64_t shape, loop::Duration took, loop::Instant now);
    void timed_out(uint64_t shape, loop::Instant now);
    [[nodiscard]] size_t size() const { return recent_.size(); }

private:
    struct Shape {
        uint64_t key;
        loop::Duration average;
        loop::Instant slow_since;
        bool is_slow;
    };
    Shape& find_or_add(uint64_t shape, loop::Instant now);

    std::list<Shape> recent_;  // most recently seen first
    std::unordered_map<uint64_t, std::list<Shape>::iterator> by_key_;
};

}  // namespace fluxgate::pg
