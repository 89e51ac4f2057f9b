#include "loop/random.h"

#include <sys/random.h>

#include <cerrno>

#include "loop/check.h"

namespace fluxgate::loop {

void SystemEntropy::fill(std::span<std::byte> out) {
    while (!out.empty()) {
        const ssize_t bytes = getrandom(out.data(), out.size(), 0);
        if (bytes < 0) {
            FLUX_CHECK_OP(errno, ==, EINTR);
            continue;
        }
        out = out.subspan(static_cast<size_t>(bytes));
    }
}

}  // namespace fluxgate::loop
