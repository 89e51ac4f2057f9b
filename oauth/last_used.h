// last_used_at of keys, written in batches: a request only notes its key's id, and a timer writes
// each id once per interval with one UPDATE a table. Losing the notes of the last interval at a
// crash is accepted.
#pragma once

#include <chrono>
#include <string>
#include <unordered_set>

#include "http/principal.h"
#include "loop/bound.h"
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
    ~LastUsed();

    // No allocation when the key is noted already.
    void note(const http::Principal& principal);
    // Writes what is noted, then ends. For drain.
    [[nodiscard]] loop::Task<void> close();
    [[nodiscard]] size_t noted_for_test() const {
        return service_keys_.size() + client_keys_.size();
    }

private:
    void start_flush();
    [[nodiscard]] loop::Task<void> flush();

    loop::Loop* loop_;
    pg::Pool* pool_;
    loop::Scope scope_;
    loop::Bound<loop::Timer, &LastUsed::start_flush> timer_{this};
    std::unordered_set<std::string> service_keys_;
    std::unordered_set<std::string> client_keys_;
};

}  // namespace fluxgate::oauth
