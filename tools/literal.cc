#include "tools/literal.h"

#include <cstddef>

namespace fluxgate::tools {
namespace {

bool is_null_word(std::string_view word) {
    return word.size() == 4 && (word[0] | 0x20) == 'n' && (word[1] | 0x20) == 'u' &&
           (word[2] | 0x20) == 'l' && (word[3] | 0x20) == 'l';
}

// `text` begins behind a quote. The length up to the closing one, or npos. With `doubled`, "" does
// not close.
size_t quoted_length(std::string_view text, bool doubled, bool& escaped) {
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            escaped = true;
            ++i;
        } else if (text[i] == '"') {
            if (!doubled || i + 1 == text.size() || text[i + 1] != '"') {
                return i;
            }
            escaped = true;
            ++i;
        }
    }
    return std::string_view::npos;
}

}  // namespace

ArrayReader::ArrayReader(std::string_view text, char delimiter)
    : rest_(text), delimiter_(delimiter) {
    if (rest_.starts_with('[')) {  // bounds that do not begin at 1
        const size_t equals = rest_.find('=');
        broken_ = equals == std::string_view::npos;
        rest_.remove_prefix(broken_ ? 0 : equals + 1);
    }
    broken_ = broken_ || !rest_.starts_with('{');
}

LiteralToken ArrayReader::next() {
    if (broken_ || rest_.empty()) {
        return !broken_ && depth_ == 0 ? LiteralToken::end : LiteralToken::broken;
    }
    char c = rest_.front();
    if (!expects_value_ && c == delimiter_ && depth_ > 0) {
        expects_value_ = true;
        rest_.remove_prefix(1);
        if (rest_.empty()) {
            return LiteralToken::broken;
        }
        c = rest_.front();
    }
    if (c == '}' && depth_ > 0 && (!expects_value_ || may_close_)) {
        rest_.remove_prefix(1);
        --depth_;
        expects_value_ = may_close_ = false;
        return LiteralToken::close;
    }
    may_close_ = false;
    if (!expects_value_) {
        broken_ = true;
        return LiteralToken::broken;
    }
    if (c == '{') {
        rest_.remove_prefix(1);
        broken_ = ++depth_ > depth_max;
        may_close_ = true;
        return broken_ ? LiteralToken::broken : LiteralToken::open;
    }
    return read_value();
}

LiteralToken ArrayReader::read_value() {
    expects_value_ = false;
    escaped_ = false;
    if (rest_.starts_with('"')) {
        rest_.remove_prefix(1);
        const size_t length = quoted_length(rest_, false, escaped_);
        if (length == std::string_view::npos) {
            broken_ = true;
            return LiteralToken::broken;
        }
        value_ = rest_.substr(0, length);
        rest_.remove_prefix(length + 1);
        return LiteralToken::value;
    }
    size_t length = 0;
    while (length < rest_.size() && rest_[length] != delimiter_ && rest_[length] != '}') {
        const char c = rest_[length++];
        broken_ = broken_ || c == '"' || c == '\\' || c == '{';
    }
    value_ = rest_.substr(0, length);
    rest_.remove_prefix(length);
    if (broken_ || value_.empty()) {
        broken_ = true;
        return LiteralToken::broken;
    }
    return is_null_word(value_) ? LiteralToken::null : LiteralToken::value;
}

CompositeReader::CompositeReader(std::string_view text) {
    broken_ = text.size() < 2 || text.front() != '(' || text.back() != ')';
    if (!broken_) {
        rest_ = text.substr(1, text.size() - 2);
    }
}

LiteralToken CompositeReader::next() {
    if (broken_ || at_end_) {
        return broken_ ? LiteralToken::broken : LiteralToken::end;
    }
    escaped_ = false;
    LiteralToken token = LiteralToken::value;
    size_t length = 0;
    if (rest_.starts_with('"')) {
        rest_.remove_prefix(1);
        length = quoted_length(rest_, true, escaped_);
        broken_ = length == std::string_view::npos;
        value_ = broken_ ? std::string_view() : rest_.substr(0, length);
        length = broken_ ? 0 : length + 1;
    } else {
        while (length < rest_.size() && rest_[length] != ',') {
            const char c = rest_[length++];
            broken_ = broken_ || c == '"' || c == '\\' || c == '(' || c == ')';
        }
        value_ = rest_.substr(0, length);
        token = value_.empty() ? LiteralToken::null : LiteralToken::value;
    }
    rest_.remove_prefix(length);
    at_end_ = rest_.empty();
    if (!at_end_) {
        broken_ = broken_ || rest_.front() != ',';
        rest_.remove_prefix(1);
    }
    return broken_ ? LiteralToken::broken : token;
}

void unescape_literal(std::string_view text, std::string& out) {
    out.clear();
    out.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        if ((text[i] == '\\' || text[i] == '"') && i + 1 < text.size()) {
            ++i;  // \x, or the first of two quotes
        }
        out += text[i];
    }
}

}  // namespace fluxgate::tools
