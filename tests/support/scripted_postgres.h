// A stand-in for a PostgreSQL backend: speaks protocol 3 on a loopback port and misbehaves as told.
//
// Runs in the test's own thread: step() does what can be done without waiting, so a test that calls
// it between turns of the loop is in full control of the order. Not a database: every statement
// answers one row of one text column, unless a script says otherwise.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::test {

class ScriptedPostgres {
public:
    struct Answer {
        std::string value = "1";
        std::string sqlstate;         // not empty: ErrorResponse instead of the row
        std::string commit_sqlstate;  // ErrorResponse at the Sync, after the row
        bool is_fatal = false;        // FATAL, and the connection closes behind it
        bool stall = false;           // nothing more on this connection until resume()
        std::string raw;              // not empty: these bytes instead of any answer
    };

    ScriptedPostgres();
    ~ScriptedPostgres();
    ScriptedPostgres(const ScriptedPostgres&) = delete;
    ScriptedPostgres& operator=(const ScriptedPostgres&) = delete;

    [[nodiscard]] uint16_t port() const { return port_; }
    // Accepts, reads, answers.
    void step();

    // How statements whose text contains `part` answer, from now on; the latest rule wins.
    void on(std::string part, Answer answer);
    // Closes a connection once it has sent `bytes` more of answers (start-up not counted); once.
    void cut_after(size_t bytes) { cut_after_ = bytes; }
    // New connections get this FATAL error; empty: they are welcome.
    void refuse_with(std::string sqlstate) { refuse_sqlstate_ = std::move(sqlstate); }
    void resume();
    void close_all();

    [[nodiscard]] int accepted() const { return accepted_; }
    [[nodiscard]] int executed(std::string_view part) const;                 // how often, by text
    [[nodiscard]] const std::string& messages() const { return messages_; }  // types, in order
    void forget_messages() { messages_.clear(); }
    [[nodiscard]] size_t bytes_answered() const { return bytes_answered_; }
    [[nodiscard]] const std::string& startup() const {
        return startup_;
    }  // of all, one after the other

private:
    struct Peer {
        int fd = -1;
        bool is_started = false;
        bool is_failed = false;  // skips until the Sync
        bool is_stalled = false;
        bool is_done = false;  // close when the output has gone
        std::string in, out;
        std::string statement;  // bound
        std::string commit_sqlstate;
        std::vector<std::pair<std::string, std::string>> prepared;  // name, text
    };
    void accept_peers();
    void serve(Peer& peer);
    [[nodiscard]] bool take_startup(Peer& peer);
    [[nodiscard]] bool take_message(Peer& peer);
    void answer_message(Peer& peer, char type, std::string_view body);
    void answer_execute(Peer& peer);
    void send_error(Peer& peer, const std::string& sqlstate, bool is_fatal);
    void send_out(Peer& peer);
    [[nodiscard]] const Answer* rule_for(const std::string& sql) const;

    int listener_ = -1;
    uint16_t port_ = 0;
    int accepted_ = 0;
    size_t bytes_answered_ = 0;
    std::optional<size_t> cut_after_;
    std::string refuse_sqlstate_;
    std::string messages_;
    std::string startup_;
    std::vector<std::string> executed_;
    std::list<Peer> peers_;
    std::vector<std::pair<std::string, Answer>> rules_;
};

}  // namespace fluxgate::test
