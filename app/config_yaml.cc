#include "app/config_yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <unordered_map>

namespace fluxgate::app {
namespace {

// Builds the tree from the parser's events. The first error stays; what follows it is ignored, for
// an exception of ours through the parser would be worse.
class TreeBuilder final : public YAML::EventHandler {
public:
    YamlNode take_root() { return std::move(root_); }
    [[nodiscard]] const std::optional<YamlError>& error() const { return error_; }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        YamlNode node;
        node.line = line_of(mark);
        remember(anchor, node);
        add(std::move(node));
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        YamlNode node;
        node.line = line_of(mark);
        // yaml-cpp tags quoted scalars "!": a quoted empty text is a value, a bare ~ is none.
        const bool is_plain = tag != "!";
        const bool is_null = is_plain && (value.empty() || value == "~" || value == "null" ||
                                          value == "Null" || value == "NULL");
        if (!is_null) {
            node.kind = YamlNode::Kind::scalar;
            node.text = value;
        }
        remember(anchor, node);
        add(std::move(node));
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end())
            return fail(line_of(mark), "an alias stands inside of what it means");
        nodes_ += count(found->second);
        if (nodes_ > yaml_nodes_max) return fail_size(line_of(mark));
        add(found->second);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(YamlNode::Kind::sequence, mark, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(YamlNode::Kind::map, mark, anchor);
    }
    void OnMapEnd() override { close(); }

private:
    struct Open {
        YamlNode node;
        YAML::anchor_t anchor = 0;
        std::optional<std::string> key;  // of a map: read, its value is still to come
        std::vector<YamlNode> merged;    // of a map: what `<<` brought
    };

    static int line_of(const YAML::Mark& mark) { return mark.line + 1; }

    static size_t count(const YamlNode& node) {
        size_t total = 1;
        for (const YamlNode& child : node.children)
            total += count(child);
        return total;
    }

    void fail(int line, std::string text) {
        if (!error_) error_ = YamlError{line, std::move(text)};
    }
    void fail_size(int line) {
        fail(line, "has more than " + std::to_string(yaml_nodes_max) +
                       " values with its aliases expanded");
    }

    void remember(YAML::anchor_t anchor, const YamlNode& node) {
        if (anchor != 0 && !error_) anchors_[anchor] = node;
    }

    void open(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (error_) return;
        if (open_.size() >= yaml_depth_max)
            return fail(line_of(mark), "is nested deeper than " + std::to_string(yaml_depth_max));
        Open& opened = open_.emplace_back();
        opened.node.kind = kind;
        opened.node.line = line_of(mark);
        opened.anchor = anchor;
    }

    void close() {
        if (error_) return;
        Open closed = std::move(open_.back());
        open_.pop_back();
        merge(closed);
        remember(closed.anchor, closed.node);
        add(std::move(closed.node));
    }

    // `<<: *defaults` brings what the map itself does not say.
    static void merge(Open& map) {
        for (const YamlNode& source : map.merged) {
            for (size_t i = 0; i < source.keys.size(); ++i) {
                std::vector<std::string>& keys = map.node.keys;
                if (std::ranges::find(keys, source.keys[i]) != keys.end()) continue;
                keys.push_back(source.keys[i]);
                map.node.children.push_back(source.children[i]);
            }
        }
    }

    void add(YamlNode node) {
        if (error_) return;
        if (++nodes_ > yaml_nodes_max) return fail_size(node.line);
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& parent = open_.back();
        if (parent.node.kind == YamlNode::Kind::sequence) {
            parent.node.children.push_back(std::move(node));
        } else if (!parent.key) {
            add_key(parent, node);
        } else {
            add_value(parent, std::move(node));
        }
    }

    void add_key(Open& map, const YamlNode& node) {
        if (node.kind != YamlNode::Kind::scalar)
            return fail(node.line, "has a key that is no text");
        std::string key = node.text;
        for (char& c : key)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        const auto same = std::ranges::find(map.node.keys, key);
        if (same != map.node.keys.end()) {
            const auto index = static_cast<size_t>(same - map.node.keys.begin());
            return fail(node.line, "'" + key.substr(0, 60) +
                                       "' stands here a second time; it is in line " +
                                       std::to_string(map.node.children[index].line) + " too");
        }
        map.key = std::move(key);
    }

    void add_value(Open& map, YamlNode node) {
        const std::string key = *std::exchange(map.key, std::nullopt);
        if (key != "<<") {
            map.node.keys.push_back(key);
            map.node.children.push_back(std::move(node));
            return;
        }
        if (node.kind == YamlNode::Kind::map) {
            map.merged.push_back(std::move(node));
        } else if (node.kind == YamlNode::Kind::sequence) {
            std::ranges::move(node.children, std::back_inserter(map.merged));
        } else {
            fail(node.line, "'<<' needs an alias of a map");
        }
    }

    YamlNode root_;
    std::vector<Open> open_;
    std::unordered_map<YAML::anchor_t, YamlNode> anchors_;
    size_t nodes_ = 0;
    std::optional<YamlError> error_;
};

std::expected<YamlNode, YamlError> parse(std::string_view bytes) {
    std::istringstream stream{std::string(bytes)};
    YAML::Parser parser(stream);
    TreeBuilder builder;
    if (!parser.HandleNextDocument(builder)) return YamlNode{};
    if (builder.error()) return std::unexpected(*builder.error());
    YamlNode root = builder.take_root();
    if (root.kind != YamlNode::Kind::map && root.kind != YamlNode::Kind::null)
        return std::unexpected(YamlError{root.line, "must be a map of keys at its top"});
    TreeBuilder second;
    if (parser.HandleNextDocument(second))
        return std::unexpected(YamlError{0, "holds a second document (a line of three dashes)"});
    return root;
}

}  // namespace

std::expected<YamlNode, YamlError> parse_yaml(std::string_view bytes) {
    if (bytes.size() > yaml_bytes_max) return std::unexpected(YamlError{0, "is larger than 1 MiB"});
    if (bytes.contains('\0')) return std::unexpected(YamlError{0, "is not a UTF-8 text file"});
    try {
        return parse(bytes);
    } catch (const YAML::Exception& exception) {
        return std::unexpected(YamlError{exception.mark.line + 1, "not YAML: " + exception.msg});
    } catch (const std::exception& exception) {
        return std::unexpected(YamlError{0, std::string("can not be read: ") + exception.what()});
    }
}

}  // namespace fluxgate::app
