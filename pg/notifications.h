// One LISTEN connection for the process, on the auth login: what changed in the database reaches us
// within a second instead of at the next timer.
//
// A notification can be lost while the connection is down, so every (re)connect says "everything
// may have changed". Behind a transaction-mode pooler LISTEN can not work; then the timers are all
// there is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loop/failure_count.h"
#include "loop/loop.h"
#include "loop/scope.h"
#include "loop/task.h"
#include "pg/connection.h"
#include "pg/pool.h"

namespace fluxgate::pg {

// Sent by triggers that `fluxgate bootstrap` makes where it may, and by Fluxbase itself.
inline constexpr std::string_view schema_channel = "fluxgate_schema";
inline constexpr std::string_view keys_channel = "fluxgate_keys";
inline constexpr std::string_view fluxbase_schema_channel = "fluxbase__schema_cache";

class Notifications {
public:
    class Sink {
    public:
        // Once a notification, on the loop's thread.
        virtual void notified(std::string_view channel) = 0;
        // After each connect, the first one included.
        virtual void everything_may_have_changed() = 0;

    protected:
        ~Sink() = default;
    };

    // All outlive it.
    Notifications(loop::Loop* loop, loop::BlockingPool* blocking, const Options& options,
                  Sink* sink);

    // Until `scope` is cancelled.
    [[nodiscard]] loop::Task<void> run(loop::Scope* scope);
    [[nodiscard]] bool is_listening() const { return is_listening_; }

private:
    [[nodiscard]] loop::Task<std::unique_ptr<Connection>> connect(loop::Scope* scope);
    [[nodiscard]] loop::Task<bool> listen(loop::Scope* scope, Connection* connection,
                                          std::string_view channel);
    [[nodiscard]] loop::Task<void> serve(loop::Scope* scope, Connection* connection);
    // Waits for bytes and reads them; false: broken or cancelled.
    [[nodiscard]] loop::Task<bool> read_more(loop::Scope* scope, Connection* connection,
                                             loop::Deadline deadline);
    void hand_out(Connection& connection);
    void log_failure(std::string_view reason);

    loop::Loop* loop_;
    loop::BlockingPool* blocking_;
    Options options_;
    Sink* sink_;
    loop::FailureCount failures_;  // to connect
    bool is_listening_ = false;
};

}  // namespace fluxgate::pg
