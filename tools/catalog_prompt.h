// A prompt that is written from the schema cache: what our prompts share. Each of them is an info
// and a function that waits for nothing but its turn (loop/turn_break.h).
//
// A table that the cache does not know is looked for once more in a fresh one. Arguments called
// schema and table are completed to what the caller may read.
#pragma once

#include <string>
#include <string_view>

#include "pg/pool.h"
#include "pg/schema_cache.h"
#include "rpc/prompt.h"
#include "tools/input_error.h"

namespace fluxgate::tools {

struct PromptInput {
    const rpc::PromptCall* call;
    const pg::Catalog* catalog;
    http::Role role;
};

// An argument that names a column of the table that `table` names.
inline constexpr std::string_view owner_column_argument = "owner_column";

class CatalogPrompt final : public rpc::Prompt {
public:
    using Compose = loop::Task<Checked<rpc::PromptResult>> (*)(PromptInput input);

    // `pool` (asked only when to come back) and `schemas` are of the same core, and outlive this.
    CatalogPrompt(rpc::PromptInfo info, Compose compose, pg::Pool* pool, pg::SchemaCache* schemas);

    [[nodiscard]] const rpc::PromptInfo& info() const override { return info_; }
    // What is wrong with an argument is a CallFailure of -32602.
    [[nodiscard]] loop::Task<rpc::PromptOutcome> get(rpc::PromptCall* call) override;
    [[nodiscard]] loop::Task<rpc::CompletionOutcome> complete(rpc::CompletionCall* call) override;

private:
    rpc::PromptInfo info_;
    Compose compose_;
    pg::Pool* pool_;
    pg::SchemaCache* schemas_;
};

// A table that an argument names: known, and readable for the role.
[[nodiscard]] Checked<const pg::Table*> table_argument(const PromptInput& input,
                                                       std::string_view name);

// In double quotes as JSON has it: peer data in a prompt's text can not end its quotes, and what
// goes into an example call fits there.
[[nodiscard]] std::string json_string(std::string_view text);
// 'text' for SQL that a person is to run, quotes doubled.
[[nodiscard]] std::string sql_literal(std::string_view text);

// User messages: a text, and a table's definition as an embedded resource.
void append_text_message(rpc::PromptResult& result, std::string_view text);
void append_link_message(rpc::PromptResult& result, const PromptInput& input,
                         const pg::Table& table);
void append_table_message(rpc::PromptResult& result, const PromptInput& input,
                          const pg::Table& table);

}  // namespace fluxgate::tools
