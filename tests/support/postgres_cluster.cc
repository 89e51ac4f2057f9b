#include "tests/support/postgres_cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fluxgate::test {
namespace {

namespace fs = std::filesystem;
constexpr int start_attempts_max = 3'000;  // of 20 ms: a minute
constexpr int attempt_wait_us = 20'000;
constexpr int stop_attempts_max = 400;  // of 5 ms
constexpr int stop_wait_us = 5'000;

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "postgres_cluster: %s\n", what.c_str());
    std::exit(2);
}

std::string first_line_of(const char* command) {
    std::array<char, 512> line{};
    FILE* pipe = popen(command, "r");
    if (pipe == nullptr) return "";
    const char* got = std::fgets(line.data(), static_cast<int>(line.size()), pipe);
    pclose(pipe);
    std::string text = got == nullptr ? "" : line.data();
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    return text;
}

// pg_config's answer counts only if the server is there: it comes with the client package.
std::string find_binaries() {
    const std::string told = first_line_of("pg_config --bindir 2>/dev/null");
    if (!told.empty() && fs::exists(told + "/initdb")) return told;
    std::string newest;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
        const std::string bin = entry.path().string() + "/bin";
        if (fs::exists(bin + "/initdb") && (newest.empty() || bin > newest)) newest = bin;
    }
    if (newest.empty()) fail("no PostgreSQL server found; scripts/setup.sh installs it");
    return newest;
}

uint16_t find_free_port() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(fd, generic, size) != 0 || getsockname(fd, generic, &size) != 0) fail("no free port");
    close(fd);
    return ntohs(address.sin_port);
}

}  // namespace

PostgresCluster& PostgresCluster::shared() {
    static PostgresCluster cluster{Options()};
    return cluster;
}

PostgresCluster::PostgresCluster(const Options& options)
    : options_(options), binaries_(find_binaries()), uid_(getuid()), gid_(getgid()) {
    std::string pattern = (fs::temp_directory_path() / "fluxgate-pg-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) fail("mkdtemp");
    directory_ = pattern;
    port_ = find_free_port();
    if (uid_ == 0) {  // PostgreSQL refuses to run as root
        const passwd* user = getpwnam("postgres");
        if (user == nullptr) user = getpwnam("nobody");
        if (user == nullptr) fail("neither postgres nor nobody is a user here");
        uid_ = user->pw_uid;
        gid_ = user->pw_gid;
        if (chown(directory_.c_str(), uid_, gid_) != 0) fail("chown");
    }
    initialise();
    start();
}

PostgresCluster::~PostgresCluster() {
    if (postmaster_ > 0) {
        signal_all(SIGCONT);
        stop_immediately();
    }
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
}

// Runs in the child: becomes the server's user, dies with us, and execs.
void become_and_exec(uid_t uid, gid_t gid, const std::string& log,
                     const std::vector<std::string>& command) {
    if (getuid() == 0 && (setgroups(0, nullptr) != 0 || setgid(gid) != 0 || setuid(uid) != 0))
        _exit(3);
    prctl(PR_SET_PDEATHSIG, SIGQUIT);  // after setuid, which clears it
    const int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    std::vector<char*> arguments;
    for (const std::string& word : command)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(4);
}

void PostgresCluster::initialise() {
    const pid_t child = fork();
    if (child == 0) {
        become_and_exec(uid_, gid_, directory_ + "/initdb.log",
                        {binaries_ + "/initdb", "-D", directory_ + "/data", "-U", "postgres", "-E",
                         "UTF8", "--locale=C", "--auth=trust", "--no-sync"});
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        fail("initdb failed, see its output in " + directory_ + "/initdb.log");
}

void PostgresCluster::run_server() {
    std::vector<std::string> command = {binaries_ + "/postgres", "-D", directory_ + "/data"};
    std::vector<std::string> settings = options_.settings;
    for (const char* setting :
         {"listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "shared_buffers=16MB",
          "autovacuum=off", "log_min_messages=fatal"}) {
        settings.emplace_back(setting);
    }
    settings.push_back("port=" + std::to_string(port_));
    settings.push_back("unix_socket_directories=" + directory_);
    settings.push_back("max_connections=" + std::to_string(options_.connections_max));
    for (const std::string& setting : settings) {
        command.emplace_back("-c");
        command.push_back(setting);
    }
    postmaster_ = fork();
    if (postmaster_ == 0) become_and_exec(uid_, gid_, directory_ + "/server.log", command);
    if (postmaster_ < 0) fail("fork");
}

void PostgresCluster::start() {
    run_server();
    const std::string port = std::to_string(port_);
    const std::array<const char*, 5> keywords = {"host", "port", "user", "dbname", nullptr};
    const std::array<const char*, 5> values = {directory_.c_str(), port.c_str(), "postgres",
                                               "postgres", nullptr};
    for (int attempt = 0; attempt < start_attempts_max; ++attempt) {
        if (PQpingParams(keywords.data(), values.data(), 0) == PQPING_OK) return;
        int status = 0;
        if (waitpid(postmaster_, &status, WNOHANG) == postmaster_) break;
        usleep(attempt_wait_us);
    }
    fail("the server did not start, see " + directory_ + "/server.log");
}

std::string PostgresCluster::value_of(const std::string& sql, const std::string& database) {
    const std::string port = std::to_string(port_);
    PGconn* connection = PQsetdbLogin(directory_.c_str(), port.c_str(), nullptr, nullptr,
                                      database.c_str(), "postgres", nullptr);
    PQsetNoticeReceiver(connection, [](void*, const PGresult*) {}, nullptr);
    PGresult* result = PQexec(connection, sql.c_str());
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail(std::string(PQerrorMessage(connection)) + "in: " + sql);
    std::string value = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
    PQclear(result);
    PQfinish(connection);
    return value;
}

void PostgresCluster::execute(const std::string& sql, const std::string& database) {
    (void)value_of(sql, database);
}

// ---- faults

// The postmaster and its children, from /proc.
std::vector<pid_t> PostgresCluster::processes() const {
    std::vector<pid_t> found = {postmaster_};
    const std::string task = "/proc/" + std::to_string(postmaster_) + "/task/" +
                             std::to_string(postmaster_) + "/children";
    std::ifstream children(task);
    for (pid_t pid = 0; children >> pid;)
        found.push_back(pid);
    return found;
}

void PostgresCluster::signal_all(int signal_number) {
    for (pid_t pid : processes())
        kill(pid, signal_number);
}

// A postmaster that was told to quit while it recovers from a crash may wait a minute for a child
// that missed the signal: its children are killed after stop_attempts_max.
void PostgresCluster::wait_until_gone() {
    int status = 0;
    for (int attempt = 0; waitpid(postmaster_, &status, WNOHANG) == 0; ++attempt) {
        if (attempt == stop_attempts_max) signal_all(SIGKILL);
        usleep(stop_wait_us);
    }
    postmaster_ = -1;
}

void PostgresCluster::stop_immediately() {
    kill(postmaster_, SIGQUIT);
    wait_until_gone();
}

void PostgresCluster::kill_hard() {
    signal_all(SIGKILL);
    wait_until_gone();
}

void PostgresCluster::restart_immediately() {
    stop_immediately();
    start();
}

void PostgresCluster::freeze() {
    signal_all(SIGSTOP);
}

void PostgresCluster::thaw() {
    signal_all(SIGCONT);
}

void PostgresCluster::kill_backend(int pid) {
    kill(pid, SIGKILL);
}

}  // namespace fluxgate::test
