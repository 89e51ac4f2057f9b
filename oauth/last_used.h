// last_used_at of keys, written in batches: a request only notes its key's id, and a timer writes
// each id once per interval with one UPDATE a table. Losing the notes of the last interval at a
// crash is accepted, and so is a batch that PostgreSQL did not take: it is logged with its count.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_set>

#include "http/principal.h"
#include "loop/bound.h"
#include "loop/deadline.h"
#include "loop/loop.h"
#include "loop/scope.h"
#include "loop/timer_wheel.h"
#include "pg/pool.h"

namespace fluxgate::oauth {

class LastUsed {
public:
    static constexpr std::chrono::seconds interval{10};
    static constexpr size_t keys_max = 10'000;  // a batch; further keys wait for the next use

    LastUsed(loop::Loop* loop, pg::Pool* pool);
    ~LastUsed();  // after close() was awaited

    // No allocation when the key is noted already.
    void note(const http::Principal& principal);
    // Writes what is noted, then ends; at `deadline` it gives up, on a write that the timer has
    // begun as well. For drain.
    [[nodiscard]] loop::Task<void> close(loop::Deadline deadline);
    [[nodiscard]] size_t noted_for_test() const {
        return service_keys_.size() + client_keys_.size();
    }

private:
    using Ids = std::unordered_set<std::string>;

    void start_flush();
    void give_up() { scope_.cancel(); }
    [[nodiscard]] loop::Task<void> flush();
    [[nodiscard]] loop::Task<void> write_batch(std::string_view sql, Ids* ids);

    loop::Loop* loop_;
    pg::Pool* pool_;
    loop::Scope scope_;
    loop::Bound<loop::Timer, &LastUsed::start_flush> timer_{this};
    loop::Bound<loop::Timer, &LastUsed::give_up> closing_timer_{this};
    Ids service_keys_;
    Ids client_keys_;
};

}  // namespace fluxgate::oauth
