// A document out of a text; its nodes are in the arena, and need the text no longer.
#pragma once

#include <string>
#include <string_view>

#include "rpc/json_reader.h"
#include "tests/rpc/padded.h"

namespace fluxgate::test {

// Null: it is no JSON.
inline const rpc::Json* read_json(rpc::JsonReader& reader, std::string_view text,
                                  loop::Arena& arena) {
    const Padded padded(text);
    const auto document = reader.read(padded.view(), arena);
    return document ? *document : nullptr;
}

// The same one level down, where one name may stand twice.
inline const rpc::Json* read_json_member(rpc::JsonReader& reader, std::string_view text,
                                         loop::Arena& arena) {
    const rpc::Json* document = read_json(reader, "{\"value\":" + std::string(text) + "}", arena);
    return document == nullptr ? nullptr : document->find("value");
}

}  // namespace fluxgate::test
