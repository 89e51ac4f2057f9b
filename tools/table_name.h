// From the argument `table` to a table of the catalog, and which schemas a caller may see at all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/principal.h"
#include "pg/catalog.h"
#include "pg/query.h"
#include "tools/input_error.h"

namespace fluxgate::tools {

// The role that a caller's statements run as.
[[nodiscard]] pg::Role database_role(http::Role role);

// The comment on auth.service_keys where `fluxgate bootstrap` has made the table: on a database of
// the owner's own.
inline constexpr std::string_view own_mark = "made by fluxgate bootstrap";

// A database that is not known to be the owner's own is taken for Fluxbase's: then more is hidden.
// The criterion is that of `fluxgate bootstrap`.
[[nodiscard]] bool is_fluxbase(const pg::Catalog& catalog);

// Schemas that only service keys (role service_role) get to: the system's, `auth` and `fluxgate`
// everywhere, and on Fluxbase's database its own. On another one a schema called `app` or `api` is
// the owner's, and PostgreSQL's grants say who may read it.
[[nodiscard]] bool is_internal_schema(std::string_view schema, bool is_fluxbase);
[[nodiscard]] bool is_visible(const pg::Catalog& catalog, const pg::Table& table, http::Role role);
// PostgreSQL's own catalogs, information_schema too: readable, and not worth showing unasked.
[[nodiscard]] bool is_system_schema(std::string_view schema);
// Visible, and its grants let the role read something of it.
[[nodiscard]] bool is_readable(const pg::Catalog& catalog, const pg::Table& table, http::Role role);

// Its grants alone, whether it is visible or not.
[[nodiscard]] bool has_grant(const pg::Table& table, http::Role role);

// Of a readable table.
[[nodiscard]] bool is_readable(const pg::Column& column, http::Role role);
[[nodiscard]] bool has_readable(const pg::Table& table, std::string_view column, http::Role role);
// All the columns are readable.
[[nodiscard]] bool is_whole(const pg::Table& table, http::Role role);

// What a caller hears of a table, or of columns, that its role has no GRANT for.
[[nodiscard]] std::string no_grant(std::string_view table);

// `t` is public.t; `schema.t` is split at the first dot, so a table whose name has a dot needs its
// schema in front. Exact and case-sensitive. What is hidden and what is missing get the same
// answer, "table not found: s.t", with the nearest tables that the caller may read.
[[nodiscard]] Checked<const pg::Table*> find_table(const pg::Catalog& catalog,
                                                   std::string_view name, http::Role role);

// The same without words for what is not found: null.
[[nodiscard]] const pg::Table* find_visible(const pg::Catalog& catalog, std::string_view name,
                                            http::Role role);

// The nearest tables that the role may read, the best first; none where nothing is near.
[[nodiscard]] std::vector<const pg::Table*> nearest_tables(const pg::Catalog& catalog,
                                                           std::string_view schema,
                                                           std::string_view table, http::Role role);
// `; did you mean "users"?`, of those; where none is near, a list of what the role may read.
[[nodiscard]] std::string table_hint(const pg::Catalog& catalog, std::string_view schema,
                                     std::string_view table, http::Role role);

// Of a table that was found. A column without a grant is answered like one that is not there:
// `unknown column "emial" in public.users; did you mean "email"? columns: id, email, …`, of those
// that are readable. Where the role has no grant for anything of the table, each column is found:
// PostgreSQL refuses them all alike.
[[nodiscard]] Checked<const pg::Column*> find_readable_column(const pg::Table& table,
                                                              std::string_view name,
                                                              http::Role role);

}  // namespace fluxgate::tools
