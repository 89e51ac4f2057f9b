#include "tools/catalog_prompt.h"

#include <utility>

#include "rpc/content.h"
#include "rpc/json_writer.h"
#include "tools/call_catalog.h"
#include "tools/limits.h"
#include "tools/table_choice.h"
#include "tools/table_json.h"
#include "tools/table_name.h"

namespace fluxgate::tools {
namespace {

constexpr int rpc_invalid_params = -32602;

Checked<void> check_lengths(const rpc::PromptCall& call) {
    const rpc::Json* given = call.arguments == nullptr ? nullptr : call.arguments->first;
    for (; given != nullptr; given = given->next) {
        if (given->text.size() > limits::prompt_argument_bytes_max) {
            return input_error({"argument ", quoted_excerpt(given->key), " is longer than ",
                                std::to_string(limits::prompt_argument_bytes_max), " bytes"});
        }
    }
    return {};
}

void append_user_message(rpc::PromptResult& result, loop::BlockChain&& item) {
    if (!result.messages.empty()) result.messages.append(',');
    rpc::append_message(result.messages, rpc::Role::user, std::move(item));
}

rpc::PromptOutcome outcome_of(Checked<rpc::PromptResult> composed) {
    if (composed) return std::move(*composed);
    return std::unexpected(
        rpc::CallFailure{.code = rpc_invalid_params, .message = std::move(composed.error().text)});
}

}  // namespace

CatalogPrompt::CatalogPrompt(rpc::PromptInfo info, Compose compose, pg::Pool* pool,
                             pg::SchemaCache* schemas)
    : info_(std::move(info)), compose_(compose), pool_(pool), schemas_(schemas) {
}

loop::Task<rpc::PromptOutcome> CatalogPrompt::get(rpc::PromptCall* call) {
    const Checked<void> fits = check_lengths(*call);
    if (!fits) {
        co_return outcome_of(std::unexpected(fits.error()));
    }
    const auto catalog = co_await current_catalog(pool_, schemas_, call->scope);
    if (!catalog) {
        co_return std::unexpected(catalog.error());
    }
    const http::Role role = call->principal->role;
    const PromptInput known{.call = call, .catalog = catalog->get(), .role = role};
    Checked<rpc::PromptResult> first = co_await compose_(known);
    if (first || !first.error().may_be_news) {
        co_return outcome_of(std::move(first));
    }
    const pg::CatalogPtr fresh =
        co_await newer_catalog(schemas_, call->scope, (*catalog)->version());
    if (fresh == nullptr) {
        co_return outcome_of(std::move(first));
    }
    const PromptInput news{.call = call, .catalog = fresh.get(), .role = role};
    Checked<rpc::PromptResult> second = co_await compose_(news);
    co_return outcome_of(std::move(second));
}

loop::Task<rpc::CompletionOutcome> CatalogPrompt::complete(rpc::CompletionCall* call) {
    if (call->argument != "schema" && call->argument != "table" &&
        call->argument != owner_column_argument) {
        co_return rpc::CompletionOutcome();
    }
    const auto catalog = co_await current_catalog(pool_, schemas_, call->scope);
    if (!catalog) {
        co_return std::unexpected(catalog.error());
    }
    const http::Role role = call->principal->role;
    if (call->argument == "schema") {
        co_return complete_schema(**catalog, role, call->value);
    }
    if (call->argument == owner_column_argument) {
        co_return co_await complete_column(&call->scope->loop(), catalog->get(), role,
                                           call->settled("table"), call->value);
    }
    co_return co_await complete_full_name(&call->scope->loop(), catalog->get(), role, call->value);
}

Checked<const pg::Table*> table_argument(const PromptInput& input, std::string_view name) {
    const Checked<const pg::Table*> table = find_table(*input.catalog, name, input.role);
    if (table && !is_readable(*input.catalog, **table, input.role)) {
        return input_error({"permission denied: the database role of this key may not read ",
                            excerpt(full_name(**table))});
    }
    return table;
}

std::string json_string(std::string_view text) {
    loop::BlockChain out;
    rpc::JsonWriter<rpc::Escape::once>(out).string(text);
    return out.to_string();
}

std::string sql_literal(std::string_view text) {
    std::string literal = "'";
    for (const char byte : text) {
        if (byte == '\'') literal += '\'';
        literal += byte;
    }
    return literal + "'";
}

void append_text_message(rpc::PromptResult& result, std::string_view text) {
    loop::BlockChain item;
    rpc::append_text_item(item, text);
    append_user_message(result, std::move(item));
}

void append_link_message(rpc::PromptResult& result, const PromptInput& input,
                         const pg::Table& table) {
    if (!input.call->protocol->resource_links) return;
    loop::BlockChain item;
    rpc::append_resource_link(item, uri_of(table), full_name(table), json_mime_type);
    append_user_message(result, std::move(item));
}

void append_table_message(rpc::PromptResult& result, const PromptInput& input,
                          const pg::Table& table) {
    loop::BlockChain text;
    PrettyJson json(text);
    write_table(*input.catalog, table, input.role, TableDetail::full, json);
    loop::BlockChain item;
    rpc::append_embedded_escaped(item, uri_of(table), json_mime_type, std::move(text));
    append_user_message(result, std::move(item));
}

}  // namespace fluxgate::tools
