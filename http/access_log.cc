#include "http/access_log.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstring>

#include "http/text.h"
#include "loop/log.h"

namespace fluxgate::http {
namespace {

constexpr size_t value_bytes_max = 56;  // of peer or configuration text, before escaping

// The line under construction. What is fixed always fits (see the static_assert); values are
// bounded. Each piece begins with its key as it is written, `,"key":`, so that its length is a
// constant.
class Line {
public:
    void append(std::string_view text) {
        const size_t bytes = std::min(text.size(), bytes_.size() - size_);
        std::memcpy(bytes_.data() + size_, text.data(), bytes);
        size_ += bytes;
    }
    // Counts and durations: never negative.
    [[gnu::always_inline]] void number(std::string_view key, std::integral auto value) {
        append(key);
        append(Decimal(static_cast<uint64_t>(value)).text());
    }
    // Our own words, which need no escape. Left out when empty.
    [[gnu::always_inline]] void word(std::string_view key, std::string_view value) {
        if (value.empty()) return;
        append(key);
        append("\"");
        append(value);
        append("\"");
    }
    // What a peer, a configuration or a key table says. Left out when empty.
    [[gnu::always_inline]] void text(std::string_view key, std::string_view value) {
        if (value.empty()) return;
        append(key);
        append("\"");
        append_json_escaped(*this, value.substr(0, value_bytes_max));
        if (value.size() > value_bytes_max) append("...");
        append("\"");
    }
    [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }

private:
    static constexpr size_t line_bytes_max = loop::log::line_bytes_max - 1;
    // Escaping makes six bytes of one at worst. Only the four texts that a configuration or a key
    // table fills can be long or odd.
    static_assert(4 * value_bytes_max * 6 + 660 <= line_bytes_max);
    std::array<char, line_bytes_max> bytes_;
    size_t size_ = 0;
};

std::string_view to_string(PrincipalKind kind) {
    switch (kind) {
        case PrincipalKind::service_key:
            return "service_key";
        case PrincipalKind::client_key:
            return "client_key";
        case PrincipalKind::oauth_token:
            return "oauth_token";
        case PrincipalKind::jwt:
            return "jwt";
    }
    return {};
}

bool is_lower_hex(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) {
    return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

std::string_view trace_id_of(std::string_view traceparent) {
    // 00-<32 hex>-<16 hex>-<2 hex>
    if (traceparent.size() != 55 || !traceparent.starts_with("00-")) return {};
    if (traceparent[35] != '-' || traceparent[52] != '-') return {};
    const std::string_view trace = traceparent.substr(3, 32);
    const std::string_view parent = traceparent.substr(36, 16);
    if (!is_lower_hex(trace) || !is_lower_hex(parent)) return {};
    if (!is_lower_hex(traceparent.substr(53)) || is_zero(trace) || is_zero(parent)) return {};
    return trace;
}

AccessLog::AccessLog(loop::Loop& loop, WriteLine write_line)
    : loop_(loop), write_line_(write_line) {
}

AccessLog::AccessLog(loop::Loop& loop) : AccessLog(loop, &loop::log::write_line) {
}

void AccessLog::request_finished(const RequestReport& report) {
    Line line;
    line.word(R"({"ts":)", timestamp(loop_.wall_now()));
    if (report.head_complete) {
        line.word(R"(,"trace_id":)", trace_id_of(report.request.get(Field::traceparent)));
    }
    line.number(R"(,"core":)", loop_.core());
    line.number(R"(,"conn":)", report.connection);
    line.word(R"(,"peer":)", report.peer.text());
    if (report.head_complete) line.word(R"(,"method":)", to_string(report.request.method));
    line.text(R"(,"route":)", report.route);
    line.number(R"(,"status":)", report.status);
    line.number(R"(,"bytes_in":)", report.bytes_in);
    line.number(R"(,"bytes_out":)", report.bytes_out);
    line.number(R"(,"dur_us":)", report.duration_us);
    if (report.notes.queue_us != 0) line.number(R"(,"queue_us":)", report.notes.queue_us);
    if (report.notes.db_us != 0) line.number(R"(,"db_us":)", report.notes.db_us);
    if (report.principal != nullptr) {
        line.word(R"(,"principal_kind":)", to_string(report.principal->kind));
        line.text(R"(,"principal_id":)", report.principal->subject);
        line.text(R"(,"key_id":)", report.principal->key_id);
    }
    line.text(R"(,"rpc_method":)", report.notes.rpc_method);
    line.text(R"(,"tool":)", report.notes.tool);
    if (!report.notes.rpc_method.empty()) {
        line.append(report.notes.is_error ? R"(,"is_error":true)" : R"(,"is_error":false)");
    }
    line.text(R"(,"sqlstate":)", report.notes.sqlstate);
    line.word(R"(,"remedy":)", report.notes.remedy);
    if (report.close_reason != CloseReason::none) {
        line.word(R"(,"close_reason":)", to_string(report.close_reason));
    }
    line.append("}");
    write_line_(line.view());
}

std::string_view AccessLog::timestamp(loop::WallTime now) {
    using std::chrono::milliseconds;
    const auto since = std::chrono::floor<milliseconds>(now.time_since_epoch());
    const int64_t second = since.count() / 1000;
    const auto put = [&](size_t at, uint64_t number, size_t digits) {
        for (size_t i = digits; i-- > 0; number /= 10) {
            timestamp_[at + i] = static_cast<char>('0' + number % 10);
        }
    };
    if (second != second_) {
        second_ = second;
        const auto day = std::chrono::floor<std::chrono::days>(now);
        const std::chrono::year_month_day date(day);
        const auto rest = static_cast<uint64_t>(second % 86'400);
        std::memcpy(timestamp_.data(), "0000-00-00T00:00:00.000Z", timestamp_.size());
        put(0, static_cast<uint64_t>(static_cast<int>(date.year())), 4);
        put(5, static_cast<unsigned>(date.month()), 2);
        put(8, static_cast<unsigned>(date.day()), 2);
        put(11, rest / 3600, 2);
        put(14, rest / 60 % 60, 2);
        put(17, rest % 60, 2);
    }
    put(20, static_cast<uint64_t>(since.count() % 1000), 3);
    return {timestamp_.data(), timestamp_.size() - 1};
}

}  // namespace fluxgate::http
