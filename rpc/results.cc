#include "rpc/results.h"

#include "rpc/json_rpc.h"
#include "rpc/json_writer.h"

namespace fluxgate::rpc {

std::string write_server_info(const ServerInfo& server, const Protocol& protocol) {
    loop::BlockChain chain;
    JsonWriter<Escape::once> json(chain);
    json.raw(R"({"name":)");
    json.string(server.name);
    if (protocol.titles && !server.title.empty()) {
        json.raw(R"(,"title":)");
        json.string(server.title);
    }
    json.raw(R"(,"version":)");
    json.string(server.version);
    if (protocol.icons && !server.icons.empty()) {
        json.raw(R"(,"icons":)");
        json.json_text(server.icons);
    }
    json.raw('}');
    return chain.to_string();
}

Results::Results(const ServerInfo& server) {
    ServerInfo plain = server;
    plain.icons.clear();  // in each result they would only cost
    common_ = R"(","_meta":{"io.modelcontextprotocol/serverInfo":)" +
              write_server_info(plain, stateless_protocol()) + "}";
    empty_ = R"({"resultType":"complete)" + common_ + "}";
}

void Results::open(loop::BlockChain& out, std::string_view id, const Protocol& protocol,
                   std::string_view type) const {
    open_result(out, id);
    out.append('{');
    if (!protocol.is_stateless) return;
    out.append(R"("resultType":")");
    out.append(type);
    out.append(common_);
}

void Results::open_list(loop::BlockChain& out, std::string_view id, const Protocol& protocol,
                        std::string_view name) const {
    open(out, id, protocol);
    out.append(is_bare(protocol) ? R"(")" : R"(,")");
    out.append(name);
    out.append(R"(":[)");
}

std::string_view Results::empty(const Protocol& protocol) const {
    return protocol.is_stateless ? std::string_view(empty_) : "{}";
}

std::string_view Results::cache_hints(const Protocol& protocol, bool is_public) {
    if (!protocol.is_stateless) return "";  // a null one may not be copied
    return is_public ? R"(,"ttlMs":60000,"cacheScope":"public")"
                     : R"(,"ttlMs":60000,"cacheScope":"private")";
}

}  // namespace fluxgate::rpc
