// The walk is recursive, at most json_depth_max levels of a small frame: simdjson has found all
// brackets without recursion before it begins, and the depth is checked before each step down.
#include "rpc/json_reader.h"

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <algorithm>
#include <cstring>
#include <new>
#include <span>

namespace fluxgate::rpc {

namespace {

namespace ondemand = simdjson::ondemand;

static_assert(simdjson::SIMDJSON_PADDING <= 64, "callers leave 64 readable bytes behind the text");

// Documents up to this size share the reader's own parser, which keeps its memory (some 8 bytes a
// byte); a larger one has a parser for itself, freed after it.
constexpr size_t kept_bytes_max = 256 * 1024;
// Up to here every pair of names is compared; above, the names are sorted.
constexpr size_t pairwise_members_max = 16;

// Where an object stands, as far as it matters for duplicates and for values that go out as they
// came in.
enum class Place : uint8_t { elsewhere, message, params, arguments, meta };

// The member whose token is kept in an object of that place; empty: none.
std::string_view echoed_member(Place place) {
    if (place == Place::message) return "id";
    return place == Place::meta ? "progressToken" : std::string_view();
}

bool same_name(const Json* left, const Json* right) {
    return left->key == right->key;
}

bool has_duplicates(const Json& object, loop::Arena& arena) {
    if (object.count <= pairwise_members_max) {
        for (const Json* left = object.first; left != nullptr; left = left->next) {
            for (const Json* right = left->next; right != nullptr; right = right->next) {
                if (same_name(left, right)) return true;
            }
        }
        return false;
    }
    // Sorting needs no seed against colliding names, and its worst case is its usual one.
    const std::span<const Json*> members = arena.array<const Json*>(object.count);
    size_t count = 0;
    for (const Json* member = object.first; member != nullptr; member = member->next) {
        members[count++] = member;
    }
    std::sort(members.begin(), members.end(), [](const Json* left, const Json* right) {
        if (left->key.size() != right->key.size()) return left->key.size() < right->key.size();
        return left->key < right->key;
    });
    return std::adjacent_find(members.begin(), members.end(), same_name) != members.end();
}

size_t skip_digits(std::string_view text, size_t at) {
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
        ++at;
    }
    return at;
}

// Bytes of the JSON number (RFC 8259 section 6) that `text` begins with; 0 if there is none.
size_t number_bytes(std::string_view text) {
    size_t at = !text.empty() && text[0] == '-' ? 1 : 0;
    size_t end = skip_digits(text, at);
    if (end == at || (text[at] == '0' && end > at + 1)) return 0;
    if (end < text.size() && text[end] == '.') {
        at = end + 1;
        end = skip_digits(text, at);
        if (end == at) return 0;
    }
    if (end < text.size() && (text[end] | 0x20) == 'e') {
        at = end + 1;
        if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
        end = skip_digits(text, at);
        if (end == at) return 0;
    }
    return end;
}

bool is_space(char byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

std::string_view trim_end(std::string_view text) {
    while (!text.empty() && is_space(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front())) {
        text.remove_prefix(1);
    }
    return trim_end(text);
}

// Copies up to the next quote or backslash; returns how many bytes. `source` has one of them, and
// both sides may be overrun by 15 bytes: simdjson has found the end of every string, and both are
// padded.
size_t copy_plain(const char* source, char* target) {
    size_t at = 0;
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    while (true) {
        __m128i block;
        std::memcpy(&block, source + at, sizeof block);
        std::memcpy(target + at, &block, sizeof block);
        const int stop = _mm_movemask_epi8(
            _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
        if (stop != 0) return at + static_cast<size_t>(__builtin_ctz(static_cast<unsigned>(stop)));
        at += sizeof block;
    }
#else
    while (source[at] != '"' && source[at] != '\\') {
        target[at] = source[at];
        ++at;
    }
    return at;
#endif
}

// One document on its way into the arena. Strings and numbers go, one after the other, into one
// buffer of the document's size: none is longer than what it stands for, and its quotes or the
// separator behind it leave room for the NUL.
class Walk {
public:
    Walk(ondemand::parser& parser, std::string_view text, loop::Arena& arena)
        : parser_(parser), text_(text), arena_(arena) {
        next_ = static_cast<char*>(arena.allocate(text.size() + 1 + simdjson::SIMDJSON_PADDING, 1));
    }

    const Json* document() {
        const simdjson::padded_string_view padded(text_.data(), text_.size(),
                                                  text_.size() + simdjson::SIMDJSON_PADDING);
        ondemand::document document;
        ondemand::json_type type = ondemand::json_type::null;
        Json* root = arena_.create<Json>();
        if (parser_.iterate(padded).get(document) != simdjson::SUCCESS ||
            document.type().get(type) != simdjson::SUCCESS || !read_root(document, type, *root)) {
            return nullptr;
        }
        return root;
    }

    // Why document() was null, or what is wrong with the names in a document that is JSON.
    ReadError error = ReadError::syntax;
    bool has_duplicate_top = false;
    bool has_duplicate_params = false;

private:
    bool fail(ReadError why) {
        error = why;
        return false;
    }

    bool read_root(ondemand::document& document, ondemand::json_type type, Json& root) {
        if (type == ondemand::json_type::object) {
            ondemand::object object;
            return document.get_object().get(object) == simdjson::SUCCESS &&
                   read_object(object, root, 1, Place::message) && document.at_end();
        }
        if (type == ondemand::json_type::array) {
            ondemand::array array;
            return document.get_array().get(array) == simdjson::SUCCESS &&
                   read_array(array, root, 1, Place::message) && document.at_end();
        }
        if (type == ondemand::json_type::string) {
            ondemand::raw_json_string raw;
            return document.get_raw_json_string().get(raw) == simdjson::SUCCESS &&
                   read_string(raw, root) && document.at_end();
        }
        return read_atom(trim(text_), root);
    }

    bool read_value(ondemand::value& value, Json& node, size_t depth, Place place) {
        if (++values_ > json_values_max) return fail(ReadError::too_many_values);
        ondemand::json_type type = ondemand::json_type::null;
        if (value.type().get(type) != simdjson::SUCCESS) return false;
        if (type == ondemand::json_type::object) {
            ondemand::object object;
            if (depth >= json_depth_max) return fail(ReadError::too_deep);
            return value.get_object().get(object) == simdjson::SUCCESS &&
                   read_object(object, node, depth + 1, place);
        }
        if (type == ondemand::json_type::array) {
            ondemand::array array;
            if (depth >= json_depth_max) return fail(ReadError::too_deep);
            return value.get_array().get(array) == simdjson::SUCCESS &&
                   read_array(array, node, depth + 1, Place::elsewhere);
        }
        if (type == ondemand::json_type::string) {
            ondemand::raw_json_string raw;
            return value.get_raw_json_string().get(raw) == simdjson::SUCCESS &&
                   read_string(raw, node);
        }
        return read_atom(trim_end(value.raw_json_token()), node);
    }

    bool read_array(ondemand::array& array, Json& node, size_t depth, Place place) {
        node.kind = Json::Kind::array;
        const Json** link = &node.first;
        for (auto element : array) {
            ondemand::value value;
            if (element.get(value) != simdjson::SUCCESS) return false;
            Json* child = arena_.create<Json>();
            if (!read_value(value, *child, depth, place)) return false;
            ++node.count;
            *link = child;
            link = &child->next;
        }
        return true;
    }

    bool read_object(ondemand::object& object, Json& node, size_t depth, Place place) {
        node.kind = Json::Kind::object;
        const std::string_view echoed = echoed_member(place);
        const Json** link = &node.first;
        for (auto result : object) {
            ondemand::field field;
            if (std::move(result).get(field) != simdjson::SUCCESS) return false;
            if (++node.count > json_members_max) return fail(ReadError::too_many_members);
            Json* child = arena_.create<Json>();
            if (!unescape(field.key(), child->key)) return false;
            if (!read_value(field.value(), *child, depth, place_of(place, child->key)))
                return false;
            if (!echoed.empty() && child->key == echoed) keep_token(*child);
            *link = child;
            link = &child->next;
        }
        if (place == Place::message) {
            has_duplicate_top |= has_duplicates(node, arena_);
        } else if (place != Place::elsewhere) {
            has_duplicate_params |= has_duplicates(node, arena_);
        }
        return true;
    }

    static Place place_of(Place parent, std::string_view name) {
        if (parent == Place::message && name == "params") return Place::params;
        if (parent != Place::params) return Place::elsewhere;
        if (name == "arguments") return Place::arguments;
        if (name == "_meta") return Place::meta;
        return Place::elsewhere;
    }

    bool read_string(ondemand::raw_json_string raw, Json& node) {
        node.kind = Json::Kind::string;
        last_string_ = raw.raw();
        return unescape(raw, node.text);
    }

    // Refuses wrong escapes and lone surrogates; raw control characters and bad UTF-8 are gone
    // already.
    bool unescape(ondemand::raw_json_string raw, std::string_view& text) {
        char* begin = next_;
        const size_t plain = copy_plain(raw.raw(), begin);
        if (raw.raw()[plain] == '"') {
            finish(begin + plain);
        } else {
            auto* end = reinterpret_cast<uint8_t*>(begin);
            std::string_view ignored;
            if (parser_.unescape(raw, end, false).get(ignored) != simdjson::SUCCESS) return false;
            finish(reinterpret_cast<char*>(end));
        }
        text = std::string_view(begin, static_cast<size_t>(next_ - begin - 1));
        return true;
    }

    void finish(char* end) {
        *end = '\0';
        next_ = end + 1;
    }

    // A number, true, false or null: `token` must be all of it.
    bool read_atom(std::string_view token, Json& node) {
        if (token == "true" || token == "false") {
            node.kind = Json::Kind::boolean;
            node.boolean = token.size() == 4;
            return true;
        }
        if (token == "null") return true;
        if (token.empty() || number_bytes(token) != token.size()) return false;
        node.kind = Json::Kind::number;
        node.text = std::string_view(next_, token.size());
        std::memcpy(next_, token.data(), token.size());
        finish(next_ + token.size());
        return true;
    }

    // `value` is the one read last.
    void keep_token(Json& value) {
        value.token = value.text;
        if (!value.is_string()) return;
        // The closing quote is the first one behind an even number of backslashes.
        const char* end = last_string_;
        while (*end != '"') {
            end += *end == '\\' ? 2 : 1;
        }
        value.token = arena_.copy(
            std::string_view(last_string_ - 1, static_cast<size_t>(end - last_string_) + 2));
    }

    ondemand::parser& parser_;
    std::string_view text_;
    loop::Arena& arena_;
    char* next_ = nullptr;               // where the next text goes
    const char* last_string_ = nullptr;  // the value read last, behind its opening quote
    size_t values_ = 0;
};

}  // namespace

struct JsonReader::State {
    explicit State(size_t bytes_max) : document_bytes_max(bytes_max), parser(kept_bytes_max) {}
    size_t document_bytes_max;
    ondemand::parser parser;  // never grows beyond kept_bytes_max
};

JsonReader::JsonReader(size_t document_bytes_max)
    : state_(std::make_unique<State>(document_bytes_max)) {
}
JsonReader::~JsonReader() = default;

namespace {

std::expected<const Json*, ReadError> walk(ondemand::parser& parser, std::string_view text,
                                           loop::Arena& arena) {
    // Doubling, so that a slowly growing series of documents does not allocate for each of them.
    if (parser.capacity() < text.size()) {
        size_t capacity = 4096;
        while (capacity < text.size()) {
            capacity *= 2;
        }
        const size_t wanted = std::min(capacity, parser.max_capacity());
        if (parser.allocate(wanted) != simdjson::SUCCESS) {
            return std::unexpected(ReadError::too_large);
        }
    }
    Walk walk(parser, text, arena);
    const Json* root = walk.document();
    if (root == nullptr) return std::unexpected(walk.error);
    if (walk.has_duplicate_top) return std::unexpected(ReadError::duplicate_top);
    if (walk.has_duplicate_params) return std::unexpected(ReadError::duplicate_params);
    return root;
}

}  // namespace

std::expected<const Json*, ReadError> JsonReader::read(std::string_view text, loop::Arena& arena) {
    if (text.size() > state_->document_bytes_max) return std::unexpected(ReadError::too_large);
    // simdjson skips a BOM; RFC 8259 section 8.1 lets a receiver choose.
    if (text.empty() || text.starts_with("\xEF\xBB\xBF")) return std::unexpected(ReadError::syntax);
    if (text.size() <= kept_bytes_max) return walk(state_->parser, text, arena);
    ondemand::parser parser(state_->document_bytes_max);
    return walk(parser, text, arena);
}

bool is_utf8(std::string_view text) {
    return simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace fluxgate::rpc
