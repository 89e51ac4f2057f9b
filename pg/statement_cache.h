// The prepared statements of one connection, by SQL text and parameter types; least recently used
// ones make room. Knows nothing of the wire: pg/pipeline sends what this decides.
//
// A statement is `prepared` only once its Parse has succeeded. Pointers stay valid while `users` is
// not zero; a failed or evicted one is forgotten at once and freed when its last user lets go.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pg/query.h"

namespace fluxgate::pg {

struct Statement {
    enum class State : uint8_t {
        fresh,    // no Parse sent yet
        parsing,  // Parse sent; segments behind it already use the name
        prepared,
        failed,  // its Parse failed or was aborted: the server does not know the name
    };
    std::string name;  // "fg_<hash>_<counter>", never used twice on one connection
    std::string sql;
    std::vector<uint32_t> types;
    State state = State::fresh;
    uint32_t users = 0;  // segments in flight that execute it, plus one while pinned
    uint64_t key = 0;
    bool is_listed = false;  // the cache would still find it
    std::list<Statement*>::iterator recent;
};

// Of the text and the parameter types; also what names a shape in pg/shape_table.
[[nodiscard]] uint64_t hash_of(std::string_view sql, std::span<const Parameter> parameters);

class StatementCache {
public:
    // `name_suffix` goes behind every name: the role, where connections are shared by a pooler.
    StatementCache(size_t statements_max, std::string_view name_suffix);
    ~StatementCache();
    StatementCache(const StatementCache&) = delete;
    StatementCache& operator=(const StatementCache&) = delete;

    // Null if there is none (or one with the same hash and another text). Marks it as recently
    // used.
    [[nodiscard]] Statement* find(uint64_t key, std::string_view sql,
                                  std::span<const Parameter> parameters);
    // A fresh one; takes the place of what has its key. Evicts where the cache is full and
    // something is not in use: take_evicted() then has a name to deallocate.
    Statement* add(uint64_t key, std::string_view sql, std::span<const Parameter> parameters);

    void acquire(Statement* statement) { ++statement->users; }
    void release(Statement* statement);
    // After its Parse has failed: nobody finds it any more.
    void forget(Statement* statement);

    // The next name that the server still knows and nobody here needs; empty if there is none.
    [[nodiscard]] std::string take_evicted();
    [[nodiscard]] size_t size() const { return recent_.size(); }

private:
    void unlist(Statement* statement);
    void evict_one();

    size_t statements_max_;
    std::string name_suffix_;
    uint64_t counter_ = 0;
    std::unordered_map<uint64_t, Statement*> by_key_;
    std::list<Statement*> recent_;  // most recently used first; exactly the listed ones
    std::unordered_map<Statement*, std::unique_ptr<Statement>> all_;
    std::vector<std::string> evicted_;
};

}  // namespace fluxgate::pg
