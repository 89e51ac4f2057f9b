// Reads the small languages of `select` and `order` character by character: names, single marks,
// words.
#pragma once

#include <string_view>

#include "loop/arena.h"

namespace fluxgate::tools {

struct ScannedName {
    std::string_view text;   // without quotes, "" undoubled
    bool is_quoted = false;  // quoted names are names, never keywords
};

class Scanner {
public:
    Scanner(std::string_view text, loop::Arena* arena) : text_(text), arena_(arena) {}

    [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
    [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[at_]; }
    [[nodiscard]] size_t position() const { return at_; }
    void return_to(size_t position) { at_ = position; }

    void skip_spaces();
    // True, and past it, if `mark` is next.
    bool accept(char mark);
    // A bare name (letters, digits, _, $, anything beyond ASCII) or one in double quotes
    // ("we""ird"). False, and nothing is consumed, if there is none, or a quote stays open, or
    // nothing is in it.
    bool accept_name(ScannedName& name);
    // True, and past it, if `word` (lower case) is next, in any case, as a whole bare word.
    bool accept_word(std::string_view word);
    // From `start` to the comma that ends the item there (commas in parentheses do not), for a
    // message.
    [[nodiscard]] std::string_view item_from(size_t start) const;

private:
    [[nodiscard]] std::string_view bare_word() const;

    std::string_view text_;
    loop::Arena* arena_;
    size_t at_ = 0;
};

// `word` is lower case.
[[nodiscard]] bool equals_ignoring_case(std::string_view text, std::string_view word);
[[nodiscard]] std::string_view trim(std::string_view text);  // spaces, tabs, line ends

}  // namespace fluxgate::tools
