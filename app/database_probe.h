// Whether PostgreSQL answers, for /readyz: connections stay open when it is frozen or its network
// is cut.
#pragma once

#include "loop/clock.h"
#include "loop/scope.h"
#include "loop/task.h"
#include "pg/pool.h"

namespace fluxgate::app {

class DatabaseProbe {
public:
    // An answer this old is asked for again, and one that takes this long is none.
    static constexpr loop::Duration interval = std::chrono::seconds(1);

    // Both outlive it and its question.
    DatabaseProbe(loop::Scope* scope, pg::Pool* pool) : scope_(scope), pool_(pool) {}

    // As the last question ended. Asks again, at most one question at a time, without waiting for
    // its end: how often anybody calls this does not matter to PostgreSQL.
    [[nodiscard]] bool answers();

private:
    [[nodiscard]] loop::Task<void> ask();

    loop::Scope* scope_;
    pg::Pool* pool_;
    bool answers_ = true;
    bool is_asking_ = false;
    loop::Instant asked_at_{};
};

}  // namespace fluxgate::app
