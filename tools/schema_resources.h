// The resources fluxbase://schema/tables and fluxbase://schema/tables/{schema}/{table}: what the
// tables look like that the caller's role may read.
//
// Out of the schema cache: no statement runs. The list has base tables and no more than what a
// model needs to write a query; a table's own resource has views too, indexes and positions.
#pragma once

#include <span>
#include <string>

#include "pg/pool.h"
#include "pg/schema_cache.h"
#include "rpc/resource.h"

namespace fluxgate::tools {

class SchemaTables final : public rpc::Resource {
public:
    // `pool` (asked only when to come back) and `schemas` are of the same core, and outlive this.
    SchemaTables(pg::Pool* pool, pg::SchemaCache* schemas);

    [[nodiscard]] const rpc::ResourceInfo& info() const override { return info_; }
    [[nodiscard]] loop::Task<rpc::ReadOutcome> read(rpc::ReadCall* call) override;

private:
    pg::Pool* pool_;
    pg::SchemaCache* schemas_;
    rpc::ResourceInfo info_;
};

class SchemaTable final : public rpc::Resource {
public:
    // `allowed` is mcp.allowed_resources. Where it has single tables, no others are proposed.
    SchemaTable(pg::Pool* pool, pg::SchemaCache* schemas,
                std::span<const std::string> allowed = {});

    [[nodiscard]] const rpc::ResourceInfo& info() const override { return info_; }
    // A table that the schema cache does not know is looked for once more in a fresh one. What the
    // caller may not read is not found, like what is not there; the hint has the nearest URIs.
    [[nodiscard]] loop::Task<rpc::ReadOutcome> read(rpc::ReadCall* call) override;
    [[nodiscard]] loop::Task<rpc::ListOutcome> list(rpc::CallContext* call) override;
    [[nodiscard]] loop::Task<rpc::CompletionOutcome> complete(rpc::CompletionCall* call) override;

private:
    pg::Pool* pool_;
    pg::SchemaCache* schemas_;
    bool proposes_tables_;
    rpc::ResourceInfo info_;
};

}  // namespace fluxgate::tools
