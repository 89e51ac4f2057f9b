// Any bytes as a JSON-RPC body: the reader, the envelope and the writer, and what must hold between
// them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/media_type.h"
#include "loop/arena.h"
#include "loop/block_chain.h"
#include "loop/check.h"
#include "rpc/json_reader.h"
#include "rpc/json_rpc.h"
#include "rpc/json_writer.h"
#include "tests/rpc/read_json.h"

namespace {

using fluxgate::loop::Arena;
using fluxgate::loop::BlockChain;
using fluxgate::rpc::Escape;
using fluxgate::rpc::Json;
using fluxgate::rpc::JsonReader;
using fluxgate::rpc::JsonWriter;
using fluxgate::test::read_json;

constexpr size_t document_bytes_max = 1 << 20;

void write(JsonWriter<Escape::once>& json, const Json& node) {
    switch (node.kind) {
        case Json::Kind::null:
            json.null();
            break;
        case Json::Kind::boolean:
            json.boolean(node.boolean);
            break;
        case Json::Kind::number:
            json.raw(node.text);
            break;
        case Json::Kind::string:
            json.string(node.text);
            break;
        case Json::Kind::array:
        case Json::Kind::object: {
            const bool is_object = node.kind == Json::Kind::object;
            json.raw(is_object ? '{' : '[');
            for (const Json* child = node.first; child != nullptr; child = child->next) {
                if (child != node.first) json.raw(',');
                if (is_object) json.key(child->key);
                write(json, *child);
            }
            json.raw(is_object ? '}' : ']');
        }
    }
}

bool equal(const Json& left, const Json& right) {
    if (left.kind != right.kind || left.count != right.count || left.key != right.key ||
        left.text != right.text || left.boolean != right.boolean) {
        return false;
    }
    const Json* other = right.first;
    for (const Json* child = left.first; child != nullptr; child = child->next) {
        if (other == nullptr || !equal(*child, *other)) return false;
        other = other->next;
    }
    return other == nullptr;
}

// What was accepted, written again, is accepted and the same.
void check_round_trip(JsonReader& reader, const Json& root) {
    BlockChain out;
    JsonWriter<Escape::once> json(out);
    write(json, root);
    Arena arena;
    const Json* again = read_json(reader, out.to_string(), arena);
    FLUX_CHECK(again != nullptr && equal(root, *again));
}

// Any bytes can be written, at both levels, and what is read back is UTF-8.
void check_writer(JsonReader& reader, std::string_view bytes) {
    Arena arena;
    BlockChain once;
    JsonWriter<Escape::once>(once).string(bytes);
    const Json* text = read_json(reader, once.to_string(), arena);
    FLUX_CHECK(text != nullptr && text->is_string() && fluxgate::rpc::is_utf8(text->text));
    if (fluxgate::rpc::is_utf8(bytes)) FLUX_CHECK(text->text == bytes);
    BlockChain twice;
    twice.append('"');
    JsonWriter<Escape::twice>(twice).string(bytes);
    twice.append('"');
    const Json* outer = read_json(reader, twice.to_string(), arena);
    FLUX_CHECK(outer != nullptr);
    const Json* inner = read_json(reader, outer->text, arena);
    FLUX_CHECK(inner != nullptr && inner->text == text->text);
}

// Whatever the envelope says, the answer to it is JSON and has the id as it came.
void check_envelope(JsonReader& reader, const Json& root) {
    const auto message = fluxgate::rpc::read_message(root);
    BlockChain out;
    const std::string_view id = message ? message->id : message.error().id;
    if (message && !id.empty()) {
        fluxgate::rpc::open_result(out, id);
        out.append("{}}");
    } else {
        fluxgate::rpc::RpcError error;
        if (!message) error = message.error();
        fluxgate::rpc::write_error(out, error, fluxgate::rpc::latest_legacy());
    }
    Arena arena;
    const Json* answer = read_json(reader, out.to_string(), arena);
    FLUX_CHECK(answer != nullptr);
    const Json* echoed = answer->find("id");
    FLUX_CHECK((echoed == nullptr) == id.empty());
    if (echoed != nullptr) FLUX_CHECK(echoed->token == id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static JsonReader reader(16 * document_bytes_max);
    if (size > document_bytes_max) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_writer(reader, bytes);
    (void)fluxgate::http::is_json_type(bytes);
    (void)fluxgate::http::accepts_answer(bytes);
    Arena arena;
    const Json* root = read_json(reader, bytes, arena);
    if (root == nullptr) return 0;
    check_round_trip(reader, *root);
    if (root->is_array()) {
        for (const Json* entry = root->first; entry != nullptr; entry = entry->next) {
            check_envelope(reader, *entry);
        }
    } else {
        check_envelope(reader, *root);
    }
    return 0;
}
