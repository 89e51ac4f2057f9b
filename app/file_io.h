// Small files at start: the configuration, passwords, the key of signed values.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>

#include "loop/secret.h"

namespace fluxgate::app {

struct FileText {
    std::string bytes;
    bool readable_by_all = false;  // mode bits: others may read or write it
};

// The whole file, at most `bytes_max`. The error is a sentence without the path: "does not exist".
[[nodiscard]] std::expected<FileText, std::string> read_small_file(
    const std::filesystem::path& path, size_t bytes_max);

// A password or key file: one line, at most 1 KiB, a line end is dropped. Refused when others may
// read it.
[[nodiscard]] std::expected<loop::Secret, std::string> read_password_file(
    const std::filesystem::path& path);

// Makes `path` with mode 0600; fails if it exists. On a failure there is no file of ours.
[[nodiscard]] std::expected<void, std::string> write_new_private_file(
    const std::filesystem::path& path, std::string_view bytes);

}  // namespace fluxgate::app
