#include "app/serve.h"

#include <unistd.h>

#include <iostream>
#include <system_error>

#include "app/cli.h"
#include "app/config_options.h"
#include "app/cores.h"
#include "app/process.h"
#include "app/system_limits.h"
#include "loop/log.h"
#include "loop/signals.h"
#include "loop/threads.h"

namespace fluxgate::app {
namespace {

loop::log::Level level_of(std::string_view name) {
    if (name == "debug") return loop::log::Level::debug;
    if (name == "warn") return loop::log::Level::warn;
    if (name == "error") return loop::log::Level::error;
    return loop::log::Level::info;
}

// On an address that other machines reach.
void warn_of_exposure(const Config& config) {
    loop::log::warn("plain_http_on_a_public_address",
                    {{"why", "keys cross the network in clear text"},
                     {"remedy", "a TLS proxy in front, or gateway.server.address 127.0.0.1"}});
    if (config.gateway.server.allowed_hosts.empty()) {
        loop::log::warn("any_host_is_answered", {{"remedy", "gateway.server.allowed_hosts"}});
    }
}

}  // namespace

int serve(const Config& config) {
    loop::Signals::block();
    loop::log::set_level(level_of(config.gateway.log.level));
    loop::log::set_fd(STDERR_FILENO);
    const LoopPlan plan = plan_loops(config, loop::usable_cpus());
    if (plan.is_reduced) {
        loop::log::warn("fewer_loops_than_cores",
                        {{"loops", plan.loops}, {"why", "database.max_connections"}});
    }
    const auto address = parse_listen_address(config.gateway.server.address);
    FLUX_CHECK(address.has_value());  // checked when the configuration was loaded
    if (const int error = listen_errno(*address); error != 0) {
        loop::log::set_fd(-1);
        std::cerr << "fluxgate: can not listen on " << config.gateway.server.address << ": "
                  << std::generic_category().message(error) << "\n";
        return exit_failure;
    }
    loop::log::info("starting",
                    {{"address", config.gateway.server.address}, {"loops", plan.loops}});
    if (!address->is_loopback) warn_of_exposure(config);

    std::string failure;
    uint64_t aborted = 0;
    {
        Shared shared(config, plan.loops);
        Process process(shared);
        Cores cores(shared, process);
        process.set_cores(&cores);
        failure = cores.run(plan.loops);
        if (failure.empty()) failure = process.refusal();
        aborted = cores.aborted();
    }
    loop::log::info("stopped", {{"aborted_requests", aborted}});
    loop::log::set_fd(-1);
    if (!failure.empty()) {
        std::cerr << "fluxgate: " << failure << "\n";
        return exit_configuration;
    }
    return aborted == 0 ? exit_success : exit_failure;
}

}  // namespace fluxgate::app
