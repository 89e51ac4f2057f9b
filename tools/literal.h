// Readers of PostgreSQL's text forms of arrays and composites, one token at a time, without copies.
//
// Peer data of a sort: whatever comes, they end with `broken` rather than loop or overrun.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fluxgate::tools {

enum class LiteralToken : uint8_t {
    open,    // { of an array; the ( of a composite is not reported
    close,   // }
    value,   // see text and is_escaped
    null,    // NULL of an array, nothing between two commas of a composite
    end,     // the whole text was read
    broken,  // it is not what it should be
};

// {1,NULL,"a \"b\"",{…}}, also with bounds in front: [0:1]={1,2}.
class ArrayReader {
public:
    static constexpr int depth_max = 6;  // PostgreSQL's MAXDIM

    ArrayReader(std::string_view text, char delimiter);
    LiteralToken next();
    // Of the last value: inside of the quotes, with its escapes.
    [[nodiscard]] std::string_view text() const { return value_; }
    [[nodiscard]] bool is_escaped() const { return escaped_; }

private:
    LiteralToken read_value();

    std::string_view rest_;
    std::string_view value_;
    char delimiter_;
    int depth_ = 0;
    bool expects_value_ = true;  // else a delimiter or }
    bool may_close_ = false;     // right behind {
    bool escaped_ = false;
    bool broken_ = false;
};

// (1,"a ""b""",,x): value, value, null, value, end.
class CompositeReader {
public:
    explicit CompositeReader(std::string_view text);
    LiteralToken next();
    [[nodiscard]] std::string_view text() const { return value_; }
    [[nodiscard]] bool is_escaped() const { return escaped_; }

private:
    std::string_view rest_;  // behind ( and before )
    std::string_view value_;
    bool at_end_ = false;
    bool escaped_ = false;
    bool broken_ = false;
};

// Takes the escapes of either form out: \x is x, "" is ".
void unescape_literal(std::string_view text, std::string& out);

}  // namespace fluxgate::tools
