// Which statements a connection remembers, and what happens to those that it forgets.
#include "pg/statement_cache.h"

#include <gtest/gtest.h>

namespace fluxgate::pg {
namespace {

uint64_t key_of(std::string_view sql) {
    return hash_of(sql, {});
}
Statement* add_prepared(StatementCache& cache, std::string_view sql) {
    Statement* statement = cache.add(key_of(sql), sql, {});
    statement->state = Statement::State::prepared;
    return statement;
}

TEST(StatementCache, FindsByText) {
    StatementCache cache(4, "");
    Statement* added = add_prepared(cache, "SELECT 1");
    EXPECT_EQ(cache.find(key_of("SELECT 1"), "SELECT 1", {}), added);
    EXPECT_EQ(cache.find(key_of("SELECT 2"), "SELECT 2", {}), nullptr);
}

TEST(StatementCache, AHashCollisionDoesNotRunTheWrongStatement) {
    StatementCache cache(4, "");
    cache.add(42, "SELECT secret", {});
    EXPECT_EQ(cache.find(42, "SELECT public", {}), nullptr);
    Statement* other = cache.add(42, "SELECT public", {});
    EXPECT_EQ(cache.find(42, "SELECT public", {}), other);
    EXPECT_EQ(cache.find(42, "SELECT secret", {}), nullptr);
    EXPECT_EQ(cache.size(), 1u);
}

TEST(StatementCache, ParameterTypesAreAPartOfTheStatement) {
    std::vector<Parameter> as_text(1), as_int(1);
    as_text[0].type_oid = 25;
    as_int[0].type_oid = 23;
    EXPECT_NE(hash_of("SELECT $1", as_text), hash_of("SELECT $1", as_int));
    StatementCache cache(4, "");
    cache.add(7, "SELECT $1", as_text);
    EXPECT_EQ(cache.find(7, "SELECT $1", as_int), nullptr);
    EXPECT_EQ(cache.find(7, "SELECT $1", {}), nullptr);
    EXPECT_NE(cache.find(7, "SELECT $1", as_text), nullptr);
}

TEST(StatementCache, NamesAreNeverUsedTwice) {
    StatementCache cache(4, "_anon");
    const std::string first = cache.add(1, "SELECT 1", {})->name;
    const std::string second = cache.add(1, "SELECT 1", {})->name;
    EXPECT_NE(first, second);
    EXPECT_TRUE(first.starts_with("fg_"));
    EXPECT_TRUE(first.ends_with("_anon"));
    EXPECT_LT(first.size(), 64u);
}

TEST(StatementCache, TheLeastRecentlyUsedMakesRoom) {
    StatementCache cache(3, "");
    const std::string name_b = add_prepared(cache, "a")->name;
    add_prepared(cache, "b");
    add_prepared(cache, "c");
    EXPECT_NE(cache.find(key_of("a"), "a", {}), nullptr);  // now b is the oldest
    add_prepared(cache, "d");
    EXPECT_EQ(cache.size(), 3u);
    EXPECT_EQ(cache.find(key_of("b"), "b", {}), nullptr);
    EXPECT_NE(cache.find(key_of("a"), "a", {}), nullptr);
    const std::string evicted = cache.take_evicted();
    EXPECT_FALSE(evicted.empty());
    EXPECT_NE(evicted, name_b);
    EXPECT_TRUE(cache.take_evicted().empty());
}

TEST(StatementCache, WhatIsInFlightIsNotEvicted) {
    StatementCache cache(1, "");
    Statement* busy = add_prepared(cache, "a");
    cache.acquire(busy);
    add_prepared(cache, "b");
    EXPECT_EQ(cache.size(), 2u);
    EXPECT_TRUE(cache.take_evicted().empty());
    cache.release(busy);
    add_prepared(cache, "c");
    EXPECT_LE(cache.size(), 2u);
}

TEST(StatementCache, AStatementThatNeverParsedHasNothingToDeallocate) {
    StatementCache cache(1, "");
    cache.add(key_of("a"), "a", {});
    cache.add(key_of("b"), "b", {});
    EXPECT_TRUE(cache.take_evicted().empty());
}

TEST(StatementCache, AFailedParseIsForgottenAtOnceAndStaysValidForItsUsers) {
    StatementCache cache(4, "");
    Statement* failed = cache.add(key_of("a"), "a", {});
    cache.acquire(failed);
    cache.forget(failed);
    EXPECT_EQ(cache.find(key_of("a"), "a", {}), nullptr);
    EXPECT_EQ(failed->state, Statement::State::failed);
    cache.release(failed);
    EXPECT_TRUE(cache.take_evicted().empty());
    EXPECT_EQ(cache.size(), 0u);
}

TEST(StatementCache, AReplacedStatementIsDeallocatedAfterItsLastUse) {
    StatementCache cache(4, "");
    Statement* old = add_prepared(cache, "a");
    const std::string old_name = old->name;
    cache.acquire(old);
    add_prepared(cache, "a");
    EXPECT_TRUE(cache.take_evicted().empty());
    cache.release(old);
    EXPECT_EQ(cache.take_evicted(), old_name);
}

}  // namespace
}  // namespace fluxgate::pg
