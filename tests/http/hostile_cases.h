// Reads tests/data/http1-hostile/cases.jsonl. The format is described in the LICENSE.txt beside it.
#pragma once

#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loop/check.h"

namespace fluxgate::test {

struct HostileCase {
    std::string id;
    std::string input;
    std::vector<int> statuses;       // acceptable; 0: closed without an answer
    std::optional<bool> must_close;  // nothing: either
    std::string why;
};

// Just enough JSON for our own file: strings, numbers, arrays and words, in the order of the text.
class CaseReader {
public:
    explicit CaseReader(std::string_view line) : rest_(line) {}

    HostileCase read() {
        HostileCase result;
        result.id = string_after("\"id\": ");
        skip_to("\"parts\": [");
        while (peek() == '[') {
            take('[');
            const std::string part = string();
            take(',');
            const size_t count = number();
            take(']');
            for (size_t i = 0; i < count; ++i) {
                result.input += part;
            }
            if (peek() == ',') take(',');
        }
        skip_to("\"expect_status\": [");
        while (peek() != ']') {
            result.statuses.push_back(static_cast<int>(number()));
            if (peek() == ',') take(',');
        }
        skip_to("\"expect_close\": ");
        if (peek() != 'n') result.must_close = peek() == 't';
        result.why = string_after("\"why\": ");
        return result;
    }

private:
    char peek() {
        while (rest_.starts_with(' ')) {
            rest_.remove_prefix(1);
        }
        FLUX_CHECK(!rest_.empty());
        return rest_.front();
    }
    void take(char c) {
        FLUX_CHECK(peek() == c);
        rest_.remove_prefix(1);
    }
    void skip_to(std::string_view text) {
        const size_t at = rest_.find(text);
        FLUX_CHECK(at != std::string_view::npos);
        rest_.remove_prefix(at + text.size());
    }
    std::string string_after(std::string_view key) {
        skip_to(key);
        return string();
    }
    size_t number() {
        size_t value = 0;
        peek();
        while (rest_.front() >= '0' && rest_.front() <= '9') {
            value = value * 10 + static_cast<size_t>(rest_.front() - '0');
            rest_.remove_prefix(1);
        }
        return value;
    }
    // Every character stands for one byte: U+0000 to U+00FF, escaped.
    std::string string() {
        std::string text;
        take('"');
        while (rest_.front() != '"') {
            char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == '\\') {
                const char escape = rest_.front();
                rest_.remove_prefix(1);
                switch (escape) {
                    case 'n':
                        c = '\n';
                        break;
                    case 'r':
                        c = '\r';
                        break;
                    case 't':
                        c = '\t';
                        break;
                    case 'u':
                        c = static_cast<char>(
                            std::stoi(std::string(rest_.substr(0, 4)), nullptr, 16));
                        rest_.remove_prefix(4);
                        break;
                    default:
                        c = escape;
                }
            }
            text.push_back(c);
        }
        rest_.remove_prefix(1);
        return text;
    }

    std::string_view rest_;
};

[[nodiscard]] inline std::vector<HostileCase> read_hostile_cases() {
    std::ifstream file(FLUXGATE_TEST_DATA "/http1-hostile/cases.jsonl");
    std::vector<HostileCase> cases;
    for (std::string line; std::getline(file, line);) {
        if (!line.empty()) cases.push_back(CaseReader(line).read());
    }
    return cases;
}

}  // namespace fluxgate::test
