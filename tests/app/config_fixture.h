// A folder of its own for each test, and configurations from text.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "app/config.h"

namespace fluxgate::app {

class ConfigFixture : public testing::Test {
protected:
    ConfigFixture() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "fluxgate-app-XXXXXX").string();
        directory_ = mkdtemp(pattern.data());
    }
    ~ConfigFixture() override { std::filesystem::remove_all(directory_); }

    std::filesystem::path write(const std::string& name, const std::string& text,
                                mode_t mode = 0600) {
        const std::filesystem::path path = directory_ / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
        chmod(path.c_str(), mode);
        return path;
    }

    std::expected<Config, ConfigErrors> load(const std::string& yaml,
                                             Environment environment = {}) {
        LoadRequest request;
        request.file = write("fluxbase.yaml", yaml);
        request.environment = std::move(environment);
        return load_config(request);
    }

    // The errors with the folder cut off: "fluxbase.yaml:3: …".
    std::vector<std::string> errors_of(const std::string& yaml, Environment environment = {}) {
        const auto config = load(yaml, std::move(environment));
        std::vector<std::string> errors;
        if (config) return errors;
        const std::string prefix = directory_.string() + "/";
        for (std::string error : config.error()) {
            for (size_t at = error.find(prefix); at != std::string::npos; at = error.find(prefix))
                error.erase(at, prefix.size());
            errors.push_back(error);
        }
        return errors;
    }

    std::filesystem::path directory_;
};

}  // namespace fluxgate::app
