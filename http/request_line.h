// The request line, byte by byte, before llhttp sees it: "METHOD SP target SP HTTP/1.x CRLF".
//
// llhttp takes more than RFC 9112 section 3 does (several spaces, HTTP/0.9 and 2.0, RTSP, unbounded
// method and target, any number of empty lines), and reports an error without what is needed to
// choose between 400, 414, 501 and 505. So the line is scanned here first, strictly; llhttp gets it
// when it is whole, and both must agree. A refusal depends on the bytes alone, never on how they
// were cut into pieces.
#pragma once

#include <cstdint>
#include <span>

#include "http/limits.h"
#include "http/request.h"
#include "http/verdict.h"

namespace fluxgate::http {

class RequestLine {
public:
    explicit RequestLine(const Limits& limits) : limits_(&limits) {}

    void begin();
    // Takes bytes until the line is complete, or refused, or `bytes` ends; returns how many it
    // took. The byte that is at fault is not taken.
    [[nodiscard]] size_t scan(std::span<const char> bytes);

    [[nodiscard]] bool is_complete() const { return state_ == State::complete; }
    // Null unless refused.
    [[nodiscard]] const Verdict* refusal() const { return refusal_; }

    // Valid once complete. Offsets count from the first byte given to scan() since begin(): `begin`
    // is behind the empty lines.
    [[nodiscard]] Method method() const { return method_; }
    [[nodiscard]] uint8_t version_minor() const { return version_minor_; }
    [[nodiscard]] size_t begin_offset() const { return begin_; }
    [[nodiscard]] size_t target_offset() const { return target_; }
    [[nodiscard]] size_t target_bytes() const { return target_bytes_; }

private:
    enum class State : uint8_t { start, start_lf, method, target, version, line_feed, complete };
    static constexpr size_t version_bytes = 8;  // "HTTP/1.1"

    bool take_start(char c);
    bool take_method(char c);
    [[nodiscard]] size_t target_run(std::span<const char> bytes) const;
    bool take_target(char c);
    bool take_version(char c);
    [[nodiscard]] bool method_ended();
    [[nodiscard]] bool version_ended();
    bool refuse(const Verdict& verdict) {
        refusal_ = &verdict;
        return false;
    }

    const Limits* limits_;
    const Verdict* refusal_ = nullptr;
    uint32_t position_ = 0;
    uint32_t begin_ = 0;
    uint32_t target_ = 0;
    uint32_t target_bytes_ = 0;
    State state_ = State::start;
    Method method_ = Method::other;
    uint8_t version_minor_ = 1;
    uint8_t empty_lines_ = 0;
    uint8_t word_bytes_ = 0;  // of the method, then of the version, so far
    static constexpr size_t word_bytes_max = 32;
    std::array<char, word_bytes_max> word_{};
};

}  // namespace fluxgate::http
