#include "app/file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fluxgate::app {
namespace {

class Fd {
public:
    explicit Fd(int fd) : fd_(fd) {}
    ~Fd() {
        if (fd_ >= 0) close(fd_);
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

std::unexpected<std::string> failure(const char* what) {
    return std::unexpected(std::string(what) + ": " + std::strerror(errno));
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
}

}  // namespace

std::expected<FileText, std::string> read_small_file(const std::filesystem::path& path,
                                                     size_t bytes_max) {
    // Non-blocking, so that a FIFO in the place of a file does not hold the start.
    const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.get() < 0) {
        if (errno == ENOENT) return std::unexpected("does not exist");
        return failure("can not be opened");
    }
    struct stat status{};
    if (fstat(fd.get(), &status) != 0) return failure("can not be examined");
    if (!S_ISREG(status.st_mode)) return std::unexpected("is not a regular file");
    FileText file;
    file.readable_by_all = (status.st_mode & (S_IROTH | S_IWOTH)) != 0;
    char buffer[16 * 1024];
    while (true) {
        const ssize_t count = read(fd.get(), buffer, sizeof buffer);
        if (count < 0) return failure("can not be read");
        if (count == 0) return file;
        file.bytes.append(buffer, static_cast<size_t>(count));
        if (file.bytes.size() > bytes_max)
            return std::unexpected("is larger than " + std::to_string(bytes_max) + " bytes");
    }
}

std::expected<loop::Secret, std::string> read_password_file(const std::filesystem::path& path) {
    static constexpr size_t password_bytes_max = 1024;
    auto file = read_small_file(path, password_bytes_max);
    if (!file) return std::unexpected(file.error());
    if (file->readable_by_all) {
        loop::wipe(file->bytes);
        return std::unexpected("can be read or written by every user; chmod 600 it");
    }
    std::string& text = file->bytes;
    while (text.ends_with('\n') || text.ends_with('\r'))
        text.pop_back();
    const bool is_one_line = text.find_first_of(std::string_view("\n\r\0", 3)) == std::string::npos;
    loop::Secret secret(std::move(text));
    if (secret.empty()) return std::unexpected("is empty");
    if (!is_one_line) return std::unexpected("must hold one line");
    return secret;
}

std::expected<void, std::string> write_new_private_file(const std::filesystem::path& path,
                                                        std::string_view bytes) {
    const Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (fd.get() < 0) return failure("can not be made");
    if (write_all(fd.get(), bytes) && fsync(fd.get()) == 0) return {};
    const auto why = failure("can not be written");
    // Half a password would be taken for a whole one by whoever reads the file next.
    unlink(path.c_str());
    return why;
}

}  // namespace fluxgate::app
