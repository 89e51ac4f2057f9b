#include "tools/scanner.h"

#include <algorithm>
#include <cstring>

namespace fluxgate::tools {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

void Scanner::skip_spaces() {
    while (!at_end() && is_space(text_[at_])) {
        ++at_;
    }
}

bool Scanner::accept(char mark) {
    if (peek() != mark || at_end()) {
        return false;
    }
    ++at_;
    return true;
}

std::string_view Scanner::bare_word() const {
    size_t end = at_;
    while (end < text_.size() && is_name_byte(text_[end])) {
        ++end;
    }
    return text_.substr(at_, end - at_);
}

bool Scanner::accept_word(std::string_view word) {
    const std::string_view next = bare_word();
    if (!equals_ignoring_case(next, word)) {
        return false;
    }
    at_ += next.size();
    return true;
}

bool Scanner::accept_name(ScannedName& name) {
    if (peek() != '"') {
        name = {.text = bare_word()};
        at_ += name.text.size();
        return !name.text.empty();
    }
    const size_t start = at_ + 1;
    size_t end = start;
    size_t doubled = 0;
    for (;; ++end) {
        if (end >= text_.size()) {
            return false;
        }
        if (text_[end] == '"') {
            if (end + 1 >= text_.size() || text_[end + 1] != '"') {
                break;
            }
            ++doubled;
            ++end;
        }
    }
    if (end == start) {
        return false;
    }
    name = {.text = text_.substr(start, end - start), .is_quoted = true};
    at_ = end + 1;
    if (doubled > 0) {
        char* copy = static_cast<char*>(arena_->allocate(name.text.size() - doubled, 1));
        size_t used = 0;
        for (size_t i = 0; i < name.text.size(); ++i) {
            copy[used++] = name.text[i];
            i += name.text[i] == '"' ? 1 : 0;
        }
        name.text = {copy, used};
    }
    return true;
}

std::string_view Scanner::item_from(size_t start) const {
    int depth = 0;
    size_t end = start;
    for (; end < text_.size(); ++end) {
        const char c = text_[end];
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        if (c == ',' && depth <= 0) {
            break;
        }
    }
    return trim(text_.substr(start, end - start));
}

bool equals_ignoring_case(std::string_view text, std::string_view word) {
    return text.size() == word.size() &&
           std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) {
               return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
           });
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_space(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

}  // namespace fluxgate::tools
