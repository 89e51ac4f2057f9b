// A private PostgreSQL for tests: its own data directory, unix socket and loopback port, gone at
// exit.
//
// Made for faults: it can be stopped, killed, restarted and frozen. Not durable (fsync is off) and
// open to every local user ("trust"), so never for anything but tests. As root it runs as the user
// postgres.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace fluxgate::test {

class PostgresCluster {
public:
    struct Options {
        int connections_max = 100;
        std::vector<std::string> settings;  // "name=value", for the server's command line
    };
    // One for the whole process, started by the first who asks.
    static PostgresCluster& shared();

    // Prints why and exits when PostgreSQL is not there or does not start: no test can go on then.
    explicit PostgresCluster(const Options& options);
    ~PostgresCluster();
    PostgresCluster(const PostgresCluster&) = delete;
    PostgresCluster& operator=(const PostgresCluster&) = delete;

    [[nodiscard]] uint16_t port() const { return port_; }
    [[nodiscard]] const std::string& socket_directory() const { return directory_; }

    // As the superuser `postgres`. Runs statements separated by semicolons; exits the process when
    // one fails, because the test's ground is not there.
    void execute(const std::string& sql, const std::string& database = "postgres");
    // The first column of the first row, or "" if there is none.
    [[nodiscard]] std::string value_of(const std::string& sql,
                                       const std::string& database = "postgres");

    // start() returns when connections are accepted, the others when the server is gone.
    void start();
    void stop_immediately();  // as pg_ctl stop -m immediate
    void kill_hard();         // SIGKILL to the postmaster and all its backends
    void restart_immediately();
    void freeze();  // SIGSTOP to all of them
    void thaw();
    // SIGKILL to one backend: PostgreSQL then resets all the others (57P02).
    void kill_backend(int pid);

private:
    void initialise();
    void run_server();
    void signal_all(int signal_number);
    [[nodiscard]] std::vector<pid_t> processes() const;
    void wait_until_gone();

    Options options_;
    std::string binaries_;   // the directory of postgres and initdb
    std::string directory_;  // holds data/, the socket and the log
    uint16_t port_ = 0;
    uid_t uid_ = 0;  // whom the server runs as
    gid_t gid_ = 0;
    pid_t postmaster_ = -1;  // -1 while it is down
};

}  // namespace fluxgate::test
