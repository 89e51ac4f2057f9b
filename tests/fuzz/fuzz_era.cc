// Any headers and body through the ladder: what is accepted keeps its promises, and what is refused
// is refused with 400 and an error that is JSON, has the request's id and is bounded.
//
// An input is the values of MCP-Protocol-Version, Mcp-Method and Mcp-Name, a line each ("-": the
// field is absent), a line that is "2" if one of them is repeated, and then the body.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "loop/arena.h"
#include "loop/block_chain.h"
#include "loop/check.h"
#include "rpc/era.h"
#include "rpc/header_value.h"
#include "rpc/json_reader.h"
#include "tests/rpc/read_json.h"

namespace {

using fluxgate::loop::Arena;
using fluxgate::rpc::Classified;
using fluxgate::rpc::Json;
using fluxgate::rpc::JsonReader;
using fluxgate::rpc::Refusal;
using fluxgate::rpc::RpcMessage;
using fluxgate::rpc::StandardHeaders;

constexpr size_t document_bytes_max = 1 << 20;
constexpr size_t error_bytes_max =
    8192;  // an id of 256 bytes may be escaped, what is echoed is cut

const Json* read(std::string_view text, Arena& arena) {
    static JsonReader reader(document_bytes_max);
    return fluxgate::test::read_json(reader, text, arena);
}

std::string_view take_line(std::string_view& rest) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return line;
}

std::optional<std::string_view> take_value(std::string_view& rest) {
    const std::string_view line = take_line(rest);
    if (line == "-") return std::nullopt;
    return line;
}

void check_accepted(const Classified& classified, const StandardHeaders& headers) {
    const RpcMessage& message = classified.message;
    const fluxgate::rpc::Envelope& envelope = classified.envelope;
    FLUX_CHECK(classified.protocol != nullptr);
    if (!envelope.progress_token.empty()) {
        FLUX_CHECK(message.kind == RpcMessage::Kind::request);
        Arena arena;
        const Json* token = read(envelope.progress_token, arena);
        FLUX_CHECK(token != nullptr && (token->is_string() || token->is_number()));
    }
    if (!classified.protocol->is_stateless) {
        FLUX_CHECK(!envelope.log_level && envelope.capabilities.bits() == 0);
        return;
    }
    FLUX_CHECK(!headers.is_repeated && message.kind != RpcMessage::Kind::response);
    if (message.kind == RpcMessage::Kind::notification) return;
    FLUX_CHECK(headers.protocol_version == classified.protocol->name);
    FLUX_CHECK(headers.method == message.method);
    if (message.method == "tools/call" && message.params->find("name") != nullptr &&
        message.params->find("name")->is_string()) {
        FLUX_CHECK(headers.name && fluxgate::rpc::header_value_is(
                                       *headers.name, message.params->find("name")->text));
    }
}

void check_refused(const Refusal& refusal, std::string_view id) {
    FLUX_CHECK(refusal.status == 400 && refusal.protocol != nullptr && refusal.error.code < 0);
    FLUX_CHECK(refusal.error.id == id);
    fluxgate::loop::BlockChain out;
    fluxgate::rpc::write_error(out, refusal.error, *refusal.protocol);
    FLUX_CHECK(out.size() < error_bytes_max);
    Arena arena;
    const Json* answer = read(out.to_string(), arena);
    FLUX_CHECK(answer != nullptr);
    const Json* error = answer->find("error");
    FLUX_CHECK(error != nullptr && error->find("code")->integer() == refusal.error.code);
}

// Of a request; empty where there is none to answer.
std::string_view id_of(const Json& document) {
    const auto message = fluxgate::rpc::read_message(document);
    if (!message) return message.error().id;
    return message->kind == RpcMessage::Kind::request ? message->id : std::string_view();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size > document_bytes_max / 2) return 0;
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    StandardHeaders headers;
    headers.protocol_version = take_value(rest);
    headers.method = take_value(rest);
    headers.name = take_value(rest);
    headers.is_repeated = take_line(rest) == "2";
    Arena arena;
    const Json* document = read(rest, arena);
    if (document == nullptr) return 0;
    if (document->is_array()) {
        const auto protocol = fluxgate::rpc::classify_batch(
            *document, headers, fluxgate::rpc::default_protocol(), arena);
        if (protocol) {
            FLUX_CHECK((*protocol)->batches && document->count > 0 &&
                       document->count <= fluxgate::rpc::batch_messages_max);
        } else {
            check_refused(protocol.error(), {});
        }
        return 0;
    }
    const auto classified =
        fluxgate::rpc::classify(*document, headers, fluxgate::rpc::default_protocol(), arena);
    if (classified) {
        check_accepted(*classified, headers);
    } else {
        check_refused(classified.error(), id_of(*document));
    }
    return 0;
}
