// An empty database of its own for each test, on the process's private PostgreSQL, and the commands
// on it.
#pragma once

#include <algorithm>
#include <sstream>

#include "app/bootstrap.h"
#include "app/commands.h"
#include "pg/admin.h"
#include "tests/app/config_fixture.h"
#include "tests/support/postgres_cluster.h"

namespace fluxgate::app {

class DatabaseFixture : public ConfigFixture {
protected:
    DatabaseFixture() {
        static int number = 0;
        const std::string suffix = std::to_string(++number);
        database_ = "app_" + suffix;
        // Roles belong to the whole cluster: logins of one test must not be there for the next.
        user_ = "user_" + suffix;
        service_ = "service_" + suffix;
        auth_ = "auth_" + suffix;
        cluster_.execute("CREATE DATABASE " + database_);
    }

    // A configuration whose logins have passwords, and `more` below `gateway.database`.
    std::string yaml(const std::string& more = "") const {
        return "database:\n  host: " + cluster_.socket_directory() +
               "\n  port: " + std::to_string(cluster_.port()) + "\n  database: " + database_ +
               "\n  user: postgres\ngateway:\n  database:\n    user_login: {user: " + user_ +
               ", password: one}\n    service_login: {user: " + service_ +
               ", password: two}\n    auth_login: {user: " + auth_ + ", password: three}\n" + more;
    }

    // Runs a command line with `text` as the configuration; what it wrote is in out_ and err_.
    int run(std::vector<std::string_view> words, const std::string& text) {
        const std::string file = write("fluxbase.yaml", text).string();
        words.push_back("--config");
        words.push_back(file);
        const auto invocation = parse_command_line(words);
        EXPECT_TRUE(invocation) << invocation.error();
        if (!invocation) return exit_usage;
        std::ostringstream out, err;
        const int code = run_command(*invocation, {}, {out, err});
        out_ = out.str();
        err_ = err.str();
        return code;
    }
    int run(const std::vector<std::string_view>& words) { return run(words, yaml()); }

    [[nodiscard]] std::string value_of(const std::string& sql) {
        return cluster_.value_of(sql, database_);
    }

    // The SQLSTATE that `login` gets for `sql`; "" for success, "connection" if it can not connect.
    [[nodiscard]] std::string state_as(const std::string& login, const std::string& sql) {
        pg::AdminOptions options;
        options.host = cluster_.socket_directory();
        options.port = cluster_.port();
        options.database = database_;
        options.user = login;
        auto connection = pg::AdminConnection::connect(options);
        if (!connection) return "connection";
        const auto done = connection->run(sql);
        return done ? "" : done.error().sqlstate;
    }

    // How many lines of out_ begin with `word`.
    [[nodiscard]] int64_t lines_with(const std::string& word) const {
        std::istringstream lines(out_);
        int64_t count = 0;
        for (std::string line; std::getline(lines, line);)
            count += line.starts_with(word) ? 1 : 0;
        return count;
    }

    test::PostgresCluster& cluster_ = test::PostgresCluster::shared();
    std::string database_, user_, service_, auth_;
    std::string out_, err_;
};

}  // namespace fluxgate::app
