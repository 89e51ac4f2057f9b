// The prompts: what a person picks from a menu to get a model going on this database. Their texts
// name our tool and resources, and hold what the caller may see of the schema.
#pragma once

#include <memory>

#include "tools/catalog_prompt.h"

namespace fluxgate::tools {

// explore_schema: what is in here, and how does it hang together?
[[nodiscard]] std::unique_ptr<rpc::Prompt> make_explore_schema(pg::Pool* pool,
                                                               pg::SchemaCache* schemas);
// write_rls_policy: a requirement in words -> Row Level Security of one table.
[[nodiscard]] std::unique_ptr<rpc::Prompt> make_write_rls_policy(pg::Pool* pool,
                                                                 pg::SchemaCache* schemas);
// find_slow_queries: what costs the database its time, and what would help.
[[nodiscard]] std::unique_ptr<rpc::Prompt> make_find_slow_queries(pg::Pool* pool,
                                                                  pg::SchemaCache* schemas);
// answer_from_knowledge_base: an answer out of rows, with sources.
[[nodiscard]] std::unique_ptr<rpc::Prompt> make_answer_from_knowledge_base(
    pg::Pool* pool, pg::SchemaCache* schemas);

}  // namespace fluxgate::tools
