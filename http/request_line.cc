#include "http/request_line.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "http/text.h"
#include "loop/check.h"

namespace fluxgate::http {
namespace {

struct KnownMethod {
    std::string_view name;
    Method method;
};
// Methods beyond these are 501; those that no route has are 405. The names are of the IANA registry
// and of what llhttp knows.
constexpr std::array known_methods{
    KnownMethod{"GET", Method::get},          KnownMethod{"POST", Method::post},
    KnownMethod{"HEAD", Method::head},        KnownMethod{"OPTIONS", Method::options},
    KnownMethod{"DELETE", Method::del},       KnownMethod{"PUT", Method::put},
    KnownMethod{"PATCH", Method::patch},      KnownMethod{"TRACE", Method::trace},
    KnownMethod{"CONNECT", Method::connect},  KnownMethod{"COPY", Method::other},
    KnownMethod{"LOCK", Method::other},       KnownMethod{"MKCOL", Method::other},
    KnownMethod{"MOVE", Method::other},       KnownMethod{"PROPFIND", Method::other},
    KnownMethod{"PROPPATCH", Method::other},  KnownMethod{"SEARCH", Method::other},
    KnownMethod{"UNLOCK", Method::other},     KnownMethod{"BIND", Method::other},
    KnownMethod{"REBIND", Method::other},     KnownMethod{"UNBIND", Method::other},
    KnownMethod{"ACL", Method::other},        KnownMethod{"REPORT", Method::other},
    KnownMethod{"MKACTIVITY", Method::other}, KnownMethod{"CHECKOUT", Method::other},
    KnownMethod{"MERGE", Method::other},      KnownMethod{"MKCALENDAR", Method::other},
    KnownMethod{"LINK", Method::other},       KnownMethod{"UNLINK", Method::other},
    KnownMethod{"QUERY", Method::other},
};

// Visible ASCII. '#' can not occur in a target (RFC 9112 3.2); what RFC 3986 excludes besides
// ("<>\^`{|}) is left to the route table, which matches no path with it.
constexpr auto target_bytes_allowed = [] {
    std::array<bool, 256> allowed{};
    for (size_t c = 0x21; c < 0x7f; ++c) {
        allowed[c] = c != '#';
    }
    return allowed;
}();

bool is_method_like(std::string_view word) {
    return std::ranges::all_of(word, [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; });
}

}  // namespace

void RequestLine::begin() {
    FLUX_CHECK(limits_->method_bytes_max < word_bytes_max);
    refusal_ = nullptr;
    position_ = begin_ = target_ = target_bytes_ = 0;
    state_ = State::start;
    empty_lines_ = word_bytes_ = 0;
}

size_t RequestLine::scan(std::span<const char> bytes) {
    size_t taken = 0;
    while (taken < bytes.size() && refusal_ == nullptr && state_ != State::complete) {
        const char c = bytes[taken];
        bool accepted = true;
        switch (state_) {
            case State::start:
                accepted = take_start(c);
                break;
            case State::start_lf:
                accepted = c == '\n' || refuse(verdict::bad_request);
                if (accepted) state_ = State::start;
                break;
            case State::method:
                accepted = take_method(c);
                break;
            case State::target: {
                // Most of a request line: without the way round the loop.
                const size_t more = target_run(bytes.subspan(taken));
                target_bytes_ += static_cast<uint32_t>(more);
                position_ += static_cast<uint32_t>(more);
                taken += more;
                if (taken == bytes.size()) return taken;
                accepted = take_target(bytes[taken]);
                break;
            }
            case State::version:
                accepted = take_version(c);
                break;
            case State::line_feed:
                accepted = c == '\n' || refuse(verdict::bad_request);
                if (accepted) state_ = State::complete;
                break;
            case State::complete:
                break;
        }
        if (!accepted) break;
        ++taken;
        ++position_;
    }
    return taken;
}

// RFC 9112 2.2: empty lines before a request should be ignored; we bound how many.
bool RequestLine::take_start(char c) {
    if (c == '\r') {
        if (++empty_lines_ > limits_->empty_lines_max) return refuse(verdict::bad_request);
        state_ = State::start_lf;
        return true;
    }
    begin_ = position_;
    state_ = State::method;
    return take_method(c);
}

bool RequestLine::take_method(char c) {
    if (c == ' ') return method_ended();
    if (!is_token_char(c)) return refuse(verdict::bad_request);
    if (word_bytes_ == limits_->method_bytes_max) {
        // Too long for any method; a greeting of another protocol is no method at all.
        const bool like = is_method_like({word_.data(), word_bytes_});
        return refuse(like ? verdict::not_implemented : verdict::bad_request);
    }
    word_[word_bytes_++] = c;
    return true;
}

bool RequestLine::method_ended() {
    const std::string_view word(word_.data(), word_bytes_);
    if (word.empty()) return refuse(verdict::bad_request);
    const auto* known = std::ranges::find(known_methods, word, &KnownMethod::name);
    if (known == known_methods.end()) return refuse(verdict::not_implemented);
    method_ = known->method;
    word_bytes_ = 0;
    target_ = position_ + 1;
    state_ = State::target;
    return true;
}

// How many bytes from the first one on belong to the target and fit.
size_t RequestLine::target_run(std::span<const char> bytes) const {
    const size_t room = std::min(bytes.size(), limits_->target_bytes_max - target_bytes_);
    size_t count = 0;
    while (count < room && target_bytes_allowed[static_cast<unsigned char>(bytes[count])]) {
        ++count;
    }
    return count;
}

// The first byte that target_run() did not take.
bool RequestLine::take_target(char c) {
    if (target_bytes_allowed[static_cast<unsigned char>(c)]) return refuse(verdict::uri_too_long);
    // CR here is HTTP/0.9, a second SP an empty target or version.
    if (c != ' ' || target_bytes_ == 0) return refuse(verdict::bad_request);
    state_ = State::version;
    return true;
}

bool RequestLine::take_version(char c) {
    if (c == '\r') return version_ended();
    if (word_bytes_ == version_bytes || c <= ' ' || c >= 0x7f) return refuse(verdict::bad_request);
    word_[word_bytes_++] = c;
    return true;
}

bool RequestLine::version_ended() {
    const std::string_view word(word_.data(), word_bytes_);
    if (word == "HTTP/1.1" || word == "HTTP/1.0") {
        version_minor_ = static_cast<uint8_t>(word.back() - '0');
        state_ = State::line_feed;
        return true;
    }
    const size_t slash = word.find('/');
    const bool is_version = slash != std::string_view::npos && word.size() == slash + 4 &&
                            is_digit(word[slash + 1]) && word[slash + 2] == '.' &&
                            is_digit(word[slash + 3]);
    const std::string_view protocol = word.substr(0, is_version ? slash : 0);
    const bool is_known = protocol == "HTTP" || protocol == "RTSP" || protocol == "ICE";
    return refuse(is_known ? verdict::version_not_supported : verdict::bad_request);
}

}  // namespace fluxgate::http
