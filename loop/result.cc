#include "loop/result.h"

#include <cerrno>

namespace fluxgate::loop {
namespace {

// The one table. What is not in it is `unexpected`, and keeps its number.
ErrorCode code_from_errno(int os_errno) {
    switch (os_errno) {
        case ECANCELED:
        case EINTR:
            return ErrorCode::cancelled;
        case ETIMEDOUT:
        case ETIME:
            return ErrorCode::timed_out;
        case ECONNRESET:
        case ECONNABORTED:
        case EPIPE:
        case ENOTCONN:
        case ESHUTDOWN:
            return ErrorCode::reset;
        case ECONNREFUSED:
        case EHOSTUNREACH:
        case ENETUNREACH:
        case EHOSTDOWN:
        case ENETDOWN:
        case ENOENT:  // of a Unix socket: its server is not there
            return ErrorCode::refused;
        case EMFILE:
        case ENFILE:
        case ENOMEM:
        case ENOBUFS:
        case EAGAIN:
        case EADDRNOTAVAIL:  // connect(2): no ephemeral port is left
        case ENOSPC:
        case EDQUOT:
            return ErrorCode::exhausted;
        case EPERM:
        case EACCES:
        case EROFS:
            return ErrorCode::not_permitted;
        case ENOSYS:
        case EOPNOTSUPP:
        case EAFNOSUPPORT:
        case EPROTONOSUPPORT:
            return ErrorCode::not_supported;
        case EINVAL:
        case EBADF:
        case EFAULT:
        case ENOTSOCK:
        case EDESTADDRREQ:
        case EADDRINUSE:
        case EISCONN:
        case EMSGSIZE:
        case ENAMETOOLONG:
            return ErrorCode::invalid;
        default:
            return ErrorCode::unexpected;
    }
}

}  // namespace

Error error_from_errno(int os_errno, const char* what) noexcept {
    return Error{code_from_errno(os_errno), os_errno, what};
}

const char* to_string(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::cancelled:
            return "cancelled";
        case ErrorCode::timed_out:
            return "timed_out";
        case ErrorCode::closed:
            return "closed";
        case ErrorCode::reset:
            return "reset";
        case ErrorCode::refused:
            return "refused";
        case ErrorCode::exhausted:
            return "exhausted";
        case ErrorCode::not_permitted:
            return "not_permitted";
        case ErrorCode::not_supported:
            return "not_supported";
        case ErrorCode::invalid:
            return "invalid";
        case ErrorCode::unexpected:
            return "unexpected";
    }
    return "unexpected";
}

}  // namespace fluxgate::loop
