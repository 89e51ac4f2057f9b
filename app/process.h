// What is once per process and lives on core 0: signals, the start-up check, the LISTEN connection.
#pragma once

#include <memory>
#include <string>

#include "app/cores.h"
#include "loop/scope.h"
#include "loop/signals.h"
#include "loop/task.h"
#include "pg/notifications.h"

namespace fluxgate::app {

class Process final : public CoreZero,
                      private loop::Signals::Handler,
                      private pg::Notifications::Sink {
public:
    explicit Process(Shared& shared) : shared_(shared) {}
    ~Process() override;

    void set_cores(Cores* cores) { cores_ = cores; }
    // Why the start-up check refused to serve, for the operator; empty if it did not.
    [[nodiscard]] const std::string& refusal() const { return refusal_; }

    void start(Worker& worker) override;
    [[nodiscard]] loop::Task<void> stop() override;
    void close() override;
    void clear() override;

private:
    [[nodiscard]] loop::Task<void> check_start();
    [[nodiscard]] loop::Task<void> watch_announcements();
    [[nodiscard]] loop::Task<void> look_for_triggers();
    void signal_received(loop::Signals::Kind kind) override;
    void signals_closed() override {}
    void notified(std::string_view channel) override;
    void everything_may_have_changed() override;

    Shared& shared_;
    Cores* cores_ = nullptr;
    Worker* worker_ = nullptr;
    std::unique_ptr<loop::Scope> scope_;
    std::unique_ptr<loop::Signals> signals_;
    std::unique_ptr<pg::Notifications> notifications_;
    std::string refusal_;
    bool has_triggers_ = false;      // the key tables announce their changes
    bool has_said_missing_ = false;  // that there are no triggers, on this LISTEN connection
    bool announced_ = false;         // what the workers were told last
};

}  // namespace fluxgate::app
