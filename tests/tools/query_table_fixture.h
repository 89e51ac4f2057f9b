// query_table on a real PostgreSQL: roles and logins, tables under Row Level Security, and calls
// with JSON arguments. A case is a process and so has a cluster of its own: keep cases few and
// rich.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "loop/blocking.h"
#include "loop/loop.h"
#include "loop/scope.h"
#include "pg/pool.h"
#include "pg/schema_cache.h"
#include "tests/support/postgres_cluster.h"
#include "tests/tools/fixture.h"
#include "tools/query_table.h"

namespace fluxgate::tools::test {

struct Answer {
    std::string text;        // of the content item, not escaped any more
    std::string structured;  // as it is
    bool is_error = false;
    int failure = 0;  // the code of a CallFailure, whose message is in `text`
    int retry_after_s = 0;
    std::string sqlstate;
};

class QueryTableTest : public testing::Test {
protected:
    QueryTableTest();
    ~QueryTableTest() override;

    // As the user `alice` unless told otherwise.
    Answer call(const std::string& arguments) { return call(arguments, principal("alice")); }
    Answer call(const std::string& arguments, const http::Principal& who,
                const rpc::Protocol* protocol = nullptr);
    [[nodiscard]] static http::Principal principal(const std::string& user);
    [[nodiscard]] static http::Principal service_key();
    [[nodiscard]] static http::Principal anon();

    template <class Done>
    void run_until(Done done) {
        const loop::Instant give_up = loop->clock_now() + std::chrono::seconds(30);
        while (!done()) {
            loop->run_turn(std::chrono::milliseconds(10));
            if (loop->clock_now() > give_up) {
                ADD_FAILURE() << "nothing happened for 30 seconds";
                std::abort();
            }
        }
    }

    fluxgate::test::PostgresCluster& cluster;
    std::unique_ptr<loop::Loop> loop;
    loop::BlockingPool blocking;
    std::unique_ptr<pg::Pool> pool;
    std::unique_ptr<pg::SharedCatalog> catalog;
    std::unique_ptr<pg::SchemaCache> schemas;
    std::unique_ptr<QueryTable> tool;
};

}  // namespace fluxgate::tools::test
