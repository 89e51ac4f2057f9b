// What a ring tells an operator: what this kernel has, or how to allow io_uring where it is
// forbidden.
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>

#include "loop/ring.h"

namespace fluxgate::loop {
namespace {

// The sysctl's value, or '?' where it can not be read (kernels before 6.6 do not have it).
char read_io_uring_disabled() {
    const int fd = ::open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return '?';
    char value = '?';
    if (::read(fd, &value, 1) != 1) value = '?';
    ::close(fd);
    return value;
}

}  // namespace

std::string RingFeatures::to_string() const {
    utsname system{};
    if (uname(&system) != 0) system.release[0] = '\0';
    std::array<char, 256> line{};
    const int length = std::snprintf(
        line.data(), line.size(),
        "kernel=%.64s defer=%d single_issuer=%d submit_all=%d no_sqarray=%d mshot_accept=%d "
        "mshot_recv=%d min_wait=%d no_iowait=%d",
        system.release, defer_taskrun, single_issuer, submit_all, no_sqarray, multishot_accept,
        multishot_recv, min_wait, no_iowait);
    return std::string(line.data(), static_cast<size_t>(length));
}

std::string ring_permission_hint(const Error& error) {
    const char disabled = read_io_uring_disabled();
    switch (error.os_errno) {
        case EPERM:
        case EACCES:
            if (disabled == '2')
                return "io_uring is switched off on this host (kernel.io_uring_disabled=2): run "
                       "`sysctl -w kernel.io_uring_disabled=0` there";
            if (disabled == '1')
                return "io_uring is for one group only on this host (kernel.io_uring_disabled=1): "
                       "put fluxgate's user into the group of `sysctl kernel.io_uring_group`, or "
                       "run `sysctl -w kernel.io_uring_disabled=0`";
            return "io_uring is blocked by a seccomp filter, as containers have by default: allow "
                   "io_uring_setup, io_uring_enter and io_uring_register (docker: "
                   "--security-opt seccomp=<profile>; systemd: SystemCallFilter=@aio)";
        case ENOSYS:
            return "this kernel has no io_uring, or a sandbox hides it: fluxgate needs Linux 6.1 "
                   "or later";
        case ENOMEM:
            return "io_uring got no memory: raise the locked-memory limit (systemd: "
                   "LimitMEMLOCK=64M; docker: --ulimit memlock=67108864; shell: ulimit -l)";
        case EMFILE:
        case ENFILE:
            return "no file descriptor is left for io_uring: raise the limit (systemd: "
                   "LimitNOFILE=65536; shell: ulimit -n)";
        default:
            return std::string("io_uring can not be used here (") + error.what +
                   "): fluxgate needs Linux 6.1 or later";
    }
}

}  // namespace fluxgate::loop
