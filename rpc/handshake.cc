#include "rpc/handshake.h"

#include "loop/block_chain.h"
#include "rpc/json_writer.h"

namespace fluxgate::rpc {

namespace {

// What is served, and nothing that is not.
constexpr std::string_view legacy_capabilities =
    R"({"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},)"
    R"("prompts":{"listChanged":true},"completions":{},"logging":{}})";
constexpr std::string_view oldest_capabilities =  // 2024-11-05 has no word for completions
    R"({"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},)"
    R"("prompts":{"listChanged":true},"logging":{}})";

std::string write_instructions(std::string_view instructions) {
    if (instructions.empty()) return {};
    loop::BlockChain chain;
    JsonWriter<Escape::once> json(chain);
    json.raw(R"(,"instructions":)");
    json.string(instructions);
    return chain.to_string();
}

}  // namespace

Handshake::Handshake(const ServerInfo& server, std::string_view instructions) {
    const std::string told = write_instructions(instructions);
    std::string versions;
    for (const Protocol& protocol : all_protocols()) {
        if (protocol.is_stateless) {
            versions += versions.empty() ? "\"" : ",\"";
            versions += std::string(protocol.name) + '"';
            continue;
        }
        std::string& result = initialize_results_[static_cast<size_t>(protocol.revision)];
        result = R"({"protocolVersion":")" + std::string(protocol.name) + R"(","capabilities":)";
        result += protocol.completions ? legacy_capabilities : oldest_capabilities;
        result += R"(,"serverInfo":)" + write_server_info(server, protocol) + told + '}';
    }
    discover_members_ = R"(,"supportedVersions":[)" + versions + R"(],"capabilities":)" +
                        std::string(legacy_capabilities) + told +
                        std::string(Results::cache_hints(stateless_protocol(), true));
}

std::expected<Handshake::Agreement, std::string_view> Handshake::negotiate(const Json* params) {
    if (params == nullptr) return std::unexpected("Invalid params: `params` is required");
    Agreement agreement{.protocol = &latest_legacy(), .capabilities = {}};
    if (const Json* version = params->find("protocolVersion"); version != nullptr) {
        if (!version->is_string()) {
            return std::unexpected("Invalid params: `protocolVersion` must be a string");
        }
        const Protocol* wanted = find_protocol(version->text);
        if (wanted != nullptr && !wanted->is_stateless) agreement.protocol = wanted;
    }
    agreement.capabilities = read_capabilities(params->find("capabilities"));
    return agreement;
}

}  // namespace fluxgate::rpc
