#include "tools/pretty_json.h"

namespace fluxgate::tools {

void PrettyJson::new_line() {
    json_.raw("\\n");
    for (size_t i = 0; i < depth_; ++i) {
        json_.raw("  ");
    }
}

void PrettyJson::open(char bracket) {
    json_.raw(bracket);
    ++depth_;
    is_first_ = true;
}

void PrettyJson::close(char bracket) {
    --depth_;
    if (!is_first_) {
        new_line();
    }
    is_first_ = false;
    json_.raw(bracket);
}

void PrettyJson::item() {
    if (!is_first_) {
        json_.raw(',');
    }
    is_first_ = false;
    new_line();
}

void PrettyJson::key(std::string_view name) {
    item();
    json_.key(name);
    json_.raw(' ');
}

void PrettyJson::member(std::string_view name, std::string_view text) {
    key(name);
    json_.string(text);
}

void PrettyJson::member(std::string_view name, int64_t number) {
    key(name);
    json_.number(number);
}

void PrettyJson::flag(std::string_view name, bool value) {
    key(name);
    json_.boolean(value);
}

}  // namespace fluxgate::tools
