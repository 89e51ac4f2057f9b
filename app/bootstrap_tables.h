// The SQL of schema auth and of the notifications. Text only; bootstrap_sql.cc says when it runs.
#pragma once

#include <span>
#include <string_view>

namespace fluxgate::app {

struct NamedSql {
    std::string_view name;
    std::string_view sql;
};

[[nodiscard]] std::span<const NamedSql> auth_functions();  // in order of dependence
[[nodiscard]] std::span<const NamedSql> auth_tables();     // in order of dependence
[[nodiscard]] std::span<const NamedSql> notify_functions();
[[nodiscard]] std::span<const NamedSql> key_triggers();  // by table

}  // namespace fluxgate::app
