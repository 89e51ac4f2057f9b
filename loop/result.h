// Errors as values for everything that talks to the kernel.
//
// Each folder has its own error type (pg::Error, rpc::Error); this one is the loop's. Mapping to an
// HTTP status, a JSON-RPC code or a tool error happens in one place per edge, never here.
#pragma once

#include <cstdint>
#include <expected>

namespace fluxgate::loop {

enum class ErrorCode : uint8_t {
    cancelled,      // the owning Scope was cancelled
    timed_out,      // the Deadline passed
    closed,         // the peer closed in an orderly way
    reset,          // the peer is gone without a goodbye (ECONNRESET, EPIPE)
    refused,        // nobody listens there
    exhausted,      // fds, buffers or memory are used up; try again later
    not_permitted,  // the kernel or a policy forbids it
    not_supported,  // this kernel does not have it
    invalid,        // the caller's arguments can not work
    unexpected,     // an errno that no table knows; `os_errno` has it
};

struct Error {
    ErrorCode code = ErrorCode::unexpected;
    int os_errno = 0;       // 0 where the kernel was not asked
    const char* what = "";  // static text, names the operation; never peer data
};

template <class T, class E = Error>
using Result = std::expected<T, E>;

// The one table from errno (positive) to ErrorCode.
[[nodiscard]] Error error_from_errno(int os_errno, const char* what) noexcept;

[[nodiscard]] const char* to_string(ErrorCode code) noexcept;

// Says in code that a failure is of no interest, and why.
template <class T, class E>
void ignore(const std::expected<T, E>&, const char* /*why*/) noexcept {
}

}  // namespace fluxgate::loop
