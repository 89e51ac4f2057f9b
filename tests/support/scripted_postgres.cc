#include "tests/support/scripted_postgres.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace fluxgate::test {
namespace {

void append_u32(std::string& out, uint32_t value) {
    const uint32_t network = htonl(value);
    out.append(reinterpret_cast<const char*>(&network), sizeof(network));
}
void append_u16(std::string& out, uint16_t value) {
    const uint16_t network = htons(value);
    out.append(reinterpret_cast<const char*>(&network), sizeof(network));
}
uint32_t read_u32(std::string_view bytes) {
    uint32_t network = 0;
    std::memcpy(&network, bytes.data(), sizeof(network));
    return ntohl(network);
}
void append_message(std::string& out, char type, std::string_view body) {
    out.push_back(type);
    append_u32(out, static_cast<uint32_t>(body.size() + 4));
    out.append(body);
}
std::string with_nul(std::string_view text) {
    return std::string(text) + '\0';
}

}  // namespace

ScriptedPostgres::ScriptedPostgres() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    const bool is_open = bind(listener_, generic, size) == 0 && listen(listener_, 64) == 0 &&
                         getsockname(listener_, generic, &size) == 0;
    if (!is_open) {
        std::perror("scripted_postgres");
        std::abort();
    }
    port_ = ntohs(address.sin_port);
}

ScriptedPostgres::~ScriptedPostgres() {
    close_all();
    close(listener_);
}

void ScriptedPostgres::on(std::string part, Answer answer) {
    rules_.emplace_back(std::move(part), std::move(answer));
}

const ScriptedPostgres::Answer* ScriptedPostgres::rule_for(const std::string& sql) const {
    for (auto at = rules_.rbegin(); at != rules_.rend(); ++at) {
        if (sql.find(at->first) != std::string::npos) return &at->second;
    }
    return nullptr;
}

int ScriptedPostgres::executed(std::string_view part) const {
    return static_cast<int>(std::ranges::count_if(
        executed_, [&](const std::string& sql) { return sql.find(part) != std::string::npos; }));
}

void ScriptedPostgres::resume() {
    for (Peer& peer : peers_)
        peer.is_stalled = false;
}

void ScriptedPostgres::close_all() {
    for (Peer& peer : peers_)
        close(peer.fd);
    peers_.clear();
}

void ScriptedPostgres::step() {
    accept_peers();
    for (Peer& peer : peers_)
        serve(peer);
    std::erase_if(peers_, [](const Peer& peer) { return peer.fd < 0; });
}

void ScriptedPostgres::accept_peers() {
    for (;;) {
        const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        const int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        ++accepted_;
        peers_.emplace_back().fd = fd;
    }
}

void ScriptedPostgres::serve(Peer& peer) {
    std::array<char, 65536> bytes;
    for (;;) {
        const ssize_t got = recv(peer.fd, bytes.data(), bytes.size(), 0);
        if (got > 0) {
            peer.in.append(bytes.data(), static_cast<size_t>(got));
            continue;
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) peer.is_done = true;
        break;
    }
    if (!peer.is_started && !take_startup(peer)) return send_out(peer);
    while (!peer.is_stalled && !peer.is_done && take_message(peer)) {
    }
    send_out(peer);
}

bool ScriptedPostgres::take_startup(Peer& peer) {
    if (peer.in.size() < 8 || peer.in.size() < read_u32(peer.in)) return false;
    const size_t length = read_u32(peer.in);
    startup_ += peer.in.substr(8, length - 8);
    peer.in.erase(0, length);
    if (!refuse_sqlstate_.empty()) {
        send_error(peer, refuse_sqlstate_, true);
        return false;
    }
    std::string ok;
    append_u32(ok, 0);
    append_message(peer.out, 'R', ok);
    for (const auto& [name, value] :
         {std::pair{"server_version", "17.9"}, std::pair{"server_encoding", "UTF8"},
          std::pair{"client_encoding", "UTF8"}, std::pair{"standard_conforming_strings", "on"}}) {
        append_message(peer.out, 'S', with_nul(name) + with_nul(value));
    }
    std::string key;
    append_u32(key, 4711);
    append_u32(key, 42);
    append_message(peer.out, 'K', key);
    append_message(peer.out, 'Z', "I");
    peer.is_started = true;
    // Not counted as an answer, and not cut.
    if (send(peer.fd, peer.out.data(), peer.out.size(), MSG_NOSIGNAL) < 0) peer.is_done = true;
    peer.out.clear();
    return true;
}

bool ScriptedPostgres::take_message(Peer& peer) {
    if (peer.in.size() < 5) return false;
    const size_t length = read_u32(std::string_view(peer.in).substr(1)) + 1;
    if (peer.in.size() < length) return false;
    const std::string message = peer.in.substr(0, length);
    peer.in.erase(0, length);
    messages_.push_back(message[0]);
    answer_message(peer, message[0], std::string_view(message).substr(5));
    return true;
}

void ScriptedPostgres::answer_message(Peer& peer, char type, std::string_view body) {
    if (type == 'X') {
        peer.is_done = true;
        return;
    }
    if (type == 'S') {
        if (!peer.is_failed && !peer.commit_sqlstate.empty())
            send_error(peer, peer.commit_sqlstate, false);
        peer.commit_sqlstate.clear();
        peer.is_failed = false;
        append_message(peer.out, 'Z', "I");
        return;
    }
    if (peer.is_failed) return;
    const std::string first(body.substr(0, body.find('\0')));
    std::string_view rest = body.substr(std::min(first.size() + 1, body.size()));
    if (type == 'P') {
        peer.prepared.emplace_back(first, std::string(rest.substr(0, rest.find('\0'))));
        append_message(peer.out, '1', "");
    } else if (type == 'B') {
        const std::string name(rest.substr(0, rest.find('\0')));
        auto found =
            std::ranges::find(peer.prepared, name, [](const auto& entry) { return entry.first; });
        if (found == peer.prepared.end()) return send_error(peer, "26000", false);
        peer.statement = found->second;
        append_message(peer.out, '2', "");
    } else if (type == 'D') {
        std::string row;
        append_u16(row, 1);
        row += with_nul("value");
        append_u32(row, 0);
        append_u16(row, 0);
        append_u32(row, 25);
        append_u16(row, 0xFFFF);
        append_u32(row, 0xFFFFFFFF);
        append_u16(row, 0);
        append_message(peer.out, peer.statement.empty() ? 'n' : 'T',
                       peer.statement.empty() ? "" : row);
    } else if (type == 'E') {
        answer_execute(peer);
    }
}

void ScriptedPostgres::answer_execute(Peer& peer) {
    executed_.push_back(peer.statement);
    static const Answer usual;
    const Answer* rule = rule_for(peer.statement);
    const Answer& answer = rule == nullptr ? usual : *rule;
    if (answer.stall) peer.is_stalled = true;
    if (!answer.raw.empty()) {
        peer.out += answer.raw;
        return;
    }
    if (!answer.sqlstate.empty()) return send_error(peer, answer.sqlstate, answer.is_fatal);
    std::string row;
    append_u16(row, 1);
    append_u32(row, static_cast<uint32_t>(answer.value.size()));
    row += answer.value;
    append_message(peer.out, 'D', row);
    append_message(peer.out, 'C', with_nul("SELECT 1"));
    peer.commit_sqlstate = answer.commit_sqlstate;
}

void ScriptedPostgres::send_error(Peer& peer, const std::string& sqlstate, bool is_fatal) {
    const char* severity = is_fatal ? "FATAL" : "ERROR";
    append_message(peer.out, 'E',
                   "S" + with_nul(severity) + "V" + with_nul(severity) + "C" + with_nul(sqlstate) +
                       "M" + with_nul("scripted") + '\0');
    peer.is_failed = true;
    if (is_fatal) peer.is_done = true;
}

void ScriptedPostgres::send_out(Peer& peer) {
    size_t bytes = peer.out.size();
    bool is_cut = false;
    if (bytes != 0 && cut_after_ && bytes >= *cut_after_) {
        bytes = *cut_after_;
        cut_after_.reset();
        is_cut = true;
    } else if (cut_after_) {
        *cut_after_ -= bytes;
    }
    if (bytes != 0 && send(peer.fd, peer.out.data(), bytes, MSG_NOSIGNAL) < 0) peer.is_done = true;
    bytes_answered_ += bytes;
    peer.out.clear();
    if (!is_cut && !peer.is_done) return;
    close(peer.fd);
    peer.fd = -1;
}

}  // namespace fluxgate::test
