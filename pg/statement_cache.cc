#include "pg/statement_cache.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>

#include "loop/check.h"

namespace fluxgate::pg {

uint64_t hash_of(std::string_view sql, std::span<const Parameter> parameters) {
    uint64_t hash = std::hash<std::string_view>()(sql);
    for (const Parameter& parameter : parameters)
        hash = (hash ^ parameter.type_oid) * 0x9E3779B97F4A7C15u;
    return hash;
}

namespace {

bool same_types(const std::vector<uint32_t>& types, std::span<const Parameter> parameters) {
    return std::ranges::equal(types, parameters, {}, {}, &Parameter::type_oid);
}

}  // namespace

StatementCache::StatementCache(size_t statements_max, std::string_view name_suffix)
    : statements_max_(std::max<size_t>(statements_max, 1)), name_suffix_(name_suffix) {
}

StatementCache::~StatementCache() = default;

Statement* StatementCache::find(uint64_t key, std::string_view sql,
                                std::span<const Parameter> parameters) {
    auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    Statement* statement = found->second;
    // The hash only finds; the text decides. Running another statement because of a collision would
    // be answering another question.
    if (statement->sql != sql || !same_types(statement->types, parameters)) return nullptr;
    recent_.splice(recent_.begin(), recent_, statement->recent);
    return statement;
}

Statement* StatementCache::add(uint64_t key, std::string_view sql,
                               std::span<const Parameter> parameters) {
    if (auto same_key = by_key_.find(key); same_key != by_key_.end()) {
        Statement* replaced = same_key->second;
        acquire(replaced);
        unlist(replaced);
        release(replaced);
    }
    if (recent_.size() >= statements_max_) evict_one();

    auto owned = std::make_unique<Statement>();
    Statement* statement = owned.get();
    std::array<char, 48> name{};
    std::snprintf(name.data(), name.size(), "fg_%016llx_%llu", static_cast<unsigned long long>(key),
                  static_cast<unsigned long long>(++counter_));
    statement->name.assign(name.data()).append(name_suffix_);
    statement->sql = sql;
    for (const Parameter& parameter : parameters)
        statement->types.push_back(parameter.type_oid);
    statement->key = key;
    statement->is_listed = true;
    recent_.push_front(statement);
    statement->recent = recent_.begin();
    by_key_[key] = statement;
    all_.emplace(statement, std::move(owned));
    return statement;
}

void StatementCache::release(Statement* statement) {
    FLUX_CHECK_OP(statement->users, >, 0U);
    if (--statement->users != 0 || statement->is_listed) return;
    if (statement->state == Statement::State::prepared) evicted_.push_back(statement->name);
    all_.erase(statement);
}

void StatementCache::forget(Statement* statement) {
    statement->state = Statement::State::failed;
    acquire(statement);
    unlist(statement);
    release(statement);
}

void StatementCache::unlist(Statement* statement) {
    if (!statement->is_listed) return;
    statement->is_listed = false;
    recent_.erase(statement->recent);
    by_key_.erase(statement->key);
}

// Everything may be in use (a pipeline deeper than the cache): then the cache grows by that much.
void StatementCache::evict_one() {
    for (auto at = recent_.rbegin(); at != recent_.rend(); ++at) {
        Statement* statement = *at;
        if (statement->users != 0) continue;
        acquire(statement);
        unlist(statement);
        release(statement);
        return;
    }
}

std::string StatementCache::take_evicted() {
    if (evicted_.empty()) return std::string();
    std::string name = std::move(evicted_.back());
    evicted_.pop_back();
    return name;
}

}  // namespace fluxgate::pg
