// How results are framed: what every result of a revision has in common, and hints for caches.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "loop/block_chain.h"
#include "rpc/protocol.h"

namespace fluxgate::rpc {

// Who the server says it is (Implementation).
struct ServerInfo {
    std::string name = "fluxgate";
    std::string title = "fluxgate";
    std::string version;
    std::string icons;  // a JSON array, or empty
};

// A JSON object, with what the revision knows of it.
[[nodiscard]] std::string write_server_info(const ServerInfo& server, const Protocol& protocol);

class Results {
public:
    explicit Results(const ServerInfo& server);

    // {"jsonrpc":"2.0","id":1,"result":{ and the members that every result has. The caller writes
    // more members, each with a comma before it unless is_bare(), and closes with "}}".
    void open(loop::BlockChain& out, std::string_view id, const Protocol& protocol,
              std::string_view type = "complete") const;
    // No member is written by open(): the first one needs no comma.
    [[nodiscard]] static bool is_bare(const Protocol& protocol) { return !protocol.is_stateless; }
    // The same up to the first entry of the member `name`, an array.
    void open_list(loop::BlockChain& out, std::string_view id, const Protocol& protocol,
                   std::string_view name) const;
    // The whole of {}.
    [[nodiscard]] std::string_view empty(const Protocol& protocol) const;

    // ,"ttlMs":60000,"cacheScope":"private" where the revision has them, else nothing. Lists and
    // contents depend on who asks; `is_public` ones do not.
    [[nodiscard]] static std::string_view cache_hints(const Protocol& protocol,
                                                      bool is_public = false);

private:
    std::string common_;  // of the stateless revision, from resultType's value on
    std::string empty_;
};

}  // namespace fluxgate::rpc
