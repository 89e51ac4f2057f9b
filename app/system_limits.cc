#include "app/system_limits.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace fluxgate::app {

uint32_t raise_descriptor_limit() {
    static constexpr rlim_t descriptors_max = 1'048'576;  // the kernel's own nr_open by default
    static constexpr uint32_t fallback = 1024;
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return fallback;
    const rlim_t wanted = std::min(limit.rlim_max, descriptors_max);
    if (limit.rlim_cur < wanted) {
        rlimit raised{.rlim_cur = wanted, .rlim_max = limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit.rlim_cur = wanted;
    }
    return static_cast<uint32_t>(std::min(limit.rlim_cur, descriptors_max));
}

int listen_errno(const ListenAddress& address) {
    sockaddr_storage storage{};
    socklen_t bytes = 0;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    if (inet_pton(AF_INET, address.host.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(address.port);
        bytes = sizeof *v4;
    } else if (inet_pton(AF_INET6, address.host.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(address.port);
        bytes = sizeof *v6;
    } else {
        return EINVAL;
    }
    const int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    const int on = 1;  // what lingers of an earlier run is no reason; a listener still is
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const bool bound =
        bind(fd, reinterpret_cast<sockaddr*>(&storage), bytes) == 0 && listen(fd, 1) == 0;
    const int result = bound ? 0 : errno;
    close(fd);
    return result;
}

}  // namespace fluxgate::app
