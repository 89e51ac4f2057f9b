// How a client and the server get to know each other: initialize up to 2025-11-25, server/discover
// from 2026-07-28 on. Results are made once.
#pragma once

#include <array>
#include <expected>
#include <string>
#include <string_view>

#include "rpc/client_request.h"
#include "rpc/envelope.h"
#include "rpc/json.h"
#include "rpc/protocol.h"
#include "rpc/results.h"

namespace fluxgate::rpc {

class Handshake {
public:
    // `instructions`: for the model, what the server is good for; empty: none.
    Handshake(const ServerInfo& server, std::string_view instructions);

    // What initialize agreed on, or the text of the -32602. A version that is not served, or none,
    // gets our latest legacy one: the client decides whether it can.
    struct Agreement {
        const Protocol* protocol = nullptr;
        ClientCapabilities capabilities;
    };
    [[nodiscard]] static std::expected<Agreement, std::string_view> negotiate(const Json* params);
    // The result object of initialize.
    [[nodiscard]] std::string_view initialize_result(const Protocol& agreed) const {
        return initialize_results_[static_cast<size_t>(agreed.revision)];
    }
    // The members of server/discover's result, each with a comma before it.
    [[nodiscard]] std::string_view discover_members() const { return discover_members_; }

private:
    std::array<std::string, revision_count> initialize_results_;
    std::string discover_members_;
};

}  // namespace fluxgate::rpc
