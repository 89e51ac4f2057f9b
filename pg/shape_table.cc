#include "pg/shape_table.h"

#include <algorithm>

namespace fluxgate::pg {

bool ShapeTable::is_slow(uint64_t shape) const {
    if (by_key_.empty()) return false;
    auto found = by_key_.find(shape);
    return found != by_key_.end() && found->second->is_slow;
}

ShapeTable::Shape& ShapeTable::find_or_add(uint64_t shape, loop::Instant now) {
    if (auto found = by_key_.find(shape); found != by_key_.end()) {
        recent_.splice(recent_.begin(), recent_, found->second);
        return recent_.front();
    }
    if (recent_.size() >= shapes_max) {
        by_key_.erase(recent_.back().key);
        recent_.pop_back();
    }
    recent_.push_front(Shape{shape, loop::Duration::zero(), now, false});
    by_key_.emplace(shape, recent_.begin());
    return recent_.front();
}

void ShapeTable::ran(uint64_t shape, loop::Duration took, loop::Instant now) {
    const bool is_quick = took < slow_at;
    if (is_quick && (by_key_.empty() || !by_key_.contains(shape))) return;
    Shape& seen = find_or_add(shape, now);
    seen.average += (took - seen.average) / weight;
    if (!seen.is_slow && seen.average >= slow_at) {
        seen.is_slow = true;
        seen.slow_since = now;
    }
    const bool is_better = seen.average < slow_at / 2;
    if (!is_better || (seen.is_slow && now - seen.slow_since < penalty_min)) return;
    if (!seen.is_slow && !is_quick) return;  // its first long run: keep the average
    by_key_.erase(seen.key);
    recent_.pop_front();
}

void ShapeTable::timed_out(uint64_t shape, loop::Instant now) {
    Shape& seen = find_or_add(shape, now);
    seen.is_slow = true;
    seen.slow_since = now;
    seen.average = std::max(seen.average, 2 * slow_at);
}

}  // namespace fluxgate::pg
