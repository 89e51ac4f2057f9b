// Indented JSON for people, written as the inside of a JSON string: what a resource's text is.
//
// Two spaces a level, members and items on lines of their own, {} and [] where there are none. The
// caller keeps the structure right, and the keys sorted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "loop/block_chain.h"
#include "rpc/json_writer.h"

namespace fluxgate::tools {

class PrettyJson {
public:
    explicit PrettyJson(loop::BlockChain& out) : json_(out) {}

    void open(char bracket);
    void close(char bracket);
    void key(std::string_view name);
    void item();  // before each item of an array
    void string(std::string_view text) { json_.string(text); }
    void member(std::string_view name, std::string_view text);
    void member(std::string_view name, int64_t number);
    void flag(std::string_view name, bool value);

private:
    void new_line();

    rpc::JsonWriter<rpc::Escape::twice> json_;
    size_t depth_ = 0;
    bool is_first_ = true;  // nothing stands behind the last bracket that was opened
};

}  // namespace fluxgate::tools
