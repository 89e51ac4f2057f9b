#include "loop/check.h"

#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

namespace fluxgate::loop {
namespace {

// No allocation and no stdio stream: the heap may be what is broken.
[[noreturn]] void print_and_abort(const char* text, int bytes, size_t capacity) {
    if (bytes > 0) {
        const auto wanted = static_cast<size_t>(bytes);
        const size_t length = wanted < capacity ? wanted : capacity - 1;
        [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, length);
    }
    std::abort();
}

}  // namespace

void check_failed(const char* expression, const char* file, int line) {
    char text[1024];
    const int bytes =
        std::snprintf(text, sizeof text, "%s:%d: check failed: %s\n", file, line, expression);
    print_and_abort(text, bytes, sizeof text);
}

void check_failed(const char* expression, const char* file, int line, int64_t left, int64_t right) {
    char text[1024];
    const int bytes = std::snprintf(text, sizeof text,
                                    "%s:%d: check failed: %s (%" PRId64 " against %" PRId64 ")\n",
                                    file, line, expression, left, right);
    print_and_abort(text, bytes, sizeof text);
}

}  // namespace fluxgate::loop
