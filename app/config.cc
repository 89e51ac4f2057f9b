// Loading, in layers: file, environment, command line; then the checks of config_check.cc. Errors
// are collected, so that one run tells the operator all of them.
#include "app/config.h"

#include <unistd.h>

#include <algorithm>

#include "app/config_check.h"
#include "app/config_keys.h"
#include "app/config_value.h"
#include "app/config_yaml.h"
#include "app/file_io.h"
#include "app/nearest.h"

namespace fluxgate::app {
namespace {

namespace fs = std::filesystem;

class Loader {
public:
    explicit Loader(const LoadRequest& request) : request_(request) {}

    std::expected<Config, ConfigErrors> load() {
        read_file();
        bind_environment();
        bind_command_line();
        for (std::string& error : check_config(config_, request_.read_password_files))
            errors_.push_back(std::move(error));
        if (!errors_.empty()) return std::unexpected(std::move(errors_));
        return std::move(config_);
    }

private:
    void read_file() {
        if (request_.file) {
            config_.file = *request_.file;
        } else {
            std::error_code ignored;
            for (const fs::path& candidate : request_.search) {
                if (!fs::exists(candidate, ignored)) continue;
                config_.file = candidate;
                break;
            }
        }
        if (config_.file.empty()) return;
        const auto text = read_small_file(config_.file, yaml_bytes_max);
        if (!text) return error(config_.file.string(), text.error());
        const auto root = parse_yaml(text->bytes);
        if (!root) return error(place(root.error().line), root.error().text);
        for (size_t i = 0; i < root->keys.size(); ++i)
            bind_top_level(root->keys[i], root->children[i]);
        if (text->readable_by_all && holds_secret())
            config_.notes.push_back(config_.file.string() +
                                    ": holds a secret and can be read by every user; chmod 600 it");
    }

    [[nodiscard]] std::string place(int line) const {
        if (line == 0) return config_.file.string();
        return config_.file.string() + ":" + std::to_string(line);
    }

    void error(const std::string& where, const std::string& text) {
        errors_.push_back(where + ": " + text);
    }

    [[nodiscard]] bool holds_secret() const {
        return std::ranges::any_of(config_keys(), [this](const Key& key) {
            return std::holds_alternative<FieldOf<loop::Secret>>(key.field) &&
                   config_.is_set(key.path);
        });
    }

    // Fluxbase's other sections pass; what only looks like one of ours does not.
    void bind_top_level(const std::string& name, const YamlNode& node) {
        static constexpr std::string_view own[] = {"gateway", "mcp"};
        const bool is_known = find_key(name) != nullptr || is_section(name);
        const bool is_dotted = name.contains('.');
        if (is_known && !is_dotted) return bind(name, node);
        if (is_dotted && (is_known || is_strict(name)))
            return error(place(node.line), name +
                                               ": a dotted key does not count; write the sections "
                                               "as nested maps");
        if (edit_distance(name, own[0]) <= 2 || edit_distance(name, own[1]) <= 1)
            error(place(node.line), name + ": unknown section; did you mean " +
                                        std::string(nearest(name, own)) + "?");
    }

    void bind(const std::string& path, const YamlNode& node) {
        if (node.kind == YamlNode::Kind::null) {
            // "gateway:" with everything below it commented out is as good as nothing.
            if (find_key(path) != nullptr || is_section(path)) return;
        }
        if (const Key* key = find_key(path)) return bind_value(*key, node);
        if (!is_section(path)) return unknown(path, node);
        if (node.kind != YamlNode::Kind::map)
            return error(place(node.line), path + ": must be a map of keys");
        for (size_t i = 0; i < node.keys.size(); ++i)
            bind(path + "." + node.keys[i], node.children[i]);
    }

    void unknown(const std::string& path, const YamlNode& node) {
        const std::string_view near = nearest_key(path);
        const std::string hint =
            near.empty() ? std::string() : "; did you mean " + std::string(near) + "?";
        if (is_strict(path)) return error(place(node.line), path + ": unknown key" + hint);
        if (!near.empty() && edit_distance(path, near) <= 2)
            config_.notes.push_back(place(node.line) + ": " + path + ": not a key of fluxgate" +
                                    hint);
    }

    void bind_value(const Key& key, const YamlNode& node) {
        if (node.kind == YamlNode::Kind::map)
            return error(place(node.line),
                         std::string(key.path) + ": is a map; it must be a value");
        RawValue value;
        value.base = config_.file.parent_path();
        value.text = node.text;
        value.is_list = node.kind == YamlNode::Kind::sequence;
        for (const YamlNode& item : node.children) {
            if (item.kind != YamlNode::Kind::scalar)
                return error(place(item.line), std::string(key.path) + ": must be a list of texts");
            value.items.push_back(item.text);
        }
        if (set(key, value, place(node.line)))
            note_origin(key, {Origin::Layer::file, place(node.line)});
    }

    bool set(const Key& key, const RawValue& value, const std::string& where) {
        const auto failure = set_value(key, value, config_);
        if (failure) error(where, std::string(key.path) + ": " + *failure);
        return !failure;
    }

    void note_origin(const Key& key, Origin origin) {
        config_.origins.insert_or_assign(std::string(key.path), std::move(origin));
    }

    void bind_environment() {
        std::vector<std::string> names;
        for (const Key& key : config_keys()) {
            const std::string& name = names.emplace_back(environment_name(key.path));
            const auto found = request_.environment.find(name);
            // As in Fluxbase, an empty variable is none.
            if (found == request_.environment.end() || found->second.empty()) continue;
            if (set(key, {.text = found->second, .items = {}, .base = {}}, name))
                note_origin(key, {Origin::Layer::environment, name});
        }
        const std::vector<std::string_view> known(names.begin(), names.end());
        for (const auto& [name, value] : request_.environment) {
            const bool is_ours =
                name.starts_with("FLUXBASE_GATEWAY_") || name.starts_with("FLUXBASE_MCP_");
            if (!is_ours || std::ranges::find(names, name) != names.end()) continue;
            const std::string_view near = nearest(name, known);
            error(name, near.empty() ? "unknown variable"
                                     : "unknown variable; did you mean " + std::string(near) + "?");
        }
    }

    void bind_command_line() {
        if (request_.loops) {
            const Key& key = *find_key("gateway.server.loops");
            if (set(key, {.text = std::to_string(*request_.loops), .items = {}, .base = {}},
                    "--loops"))
                note_origin(key, {Origin::Layer::command_line, "--loops"});
        }
        if (request_.port) {
            std::string& address = config_.gateway.server.address;
            address = address.substr(0, address.rfind(':')) + ":" + std::to_string(*request_.port);
            note_origin(*find_key("gateway.server.address"),
                        {Origin::Layer::command_line, "--port"});
        }
    }

    const LoadRequest& request_;
    Config config_;
    ConfigErrors errors_;
};

}  // namespace

Environment process_environment() {
    Environment environment;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const size_t equals = text.find('=');
        if (equals == std::string_view::npos) continue;
        environment.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return environment;
}

std::vector<std::filesystem::path> default_search() {
    return {"./fluxbase.yaml",
            "./fluxbase.yml",
            "./config/fluxbase.yaml",
            "./config/fluxbase.yml",
            "/etc/fluxbase/fluxbase.yaml",
            "/etc/fluxbase/fluxbase.yml"};
}

std::expected<Config, ConfigErrors> load_config(const LoadRequest& request) {
    return Loader(request).load();
}

}  // namespace fluxgate::app
