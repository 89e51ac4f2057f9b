#include "tools/row_json.h"

#include <array>
#include <optional>
#include <string>

#include "tools/limits.h"
#include "tools/literal.h"
#include "tools/scalar_json.h"

namespace fluxgate::tools {
namespace {

using rpc::Escape;

// A value this large may grow so much by escaping that the size is looked at before it is written.
constexpr size_t large_value_bytes = 256 * 1024;

// The bytes that `text` has more when it is escaped at most: \u00XX and, at level twice, \\u00XX.
template <Escape level>
size_t escaped_size(std::string_view text) {
    size_t size = text.size();
    for (char c : text) {
        if (c == '"' || c == '\\') {
            size += level == Escape::once ? 1 : 3;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            size += level == Escape::once ? 5 : 6;
        }
    }
    return size;
}

template <Escape level>
class RowWriter {
public:
    RowWriter(loop::BlockChain& out, size_t bytes_max) : out_(out), bytes_max_(bytes_max) {}

    void write(const FieldShape& field, std::optional<std::string_view> value) {
        if (!value) {
            append_bare<level>(out_, field.key, "null");
            return;
        }
        if (value->size() >= large_value_bytes &&
            out_.size() + escaped_size<level>(*value) > bytes_max_) {
            is_over_ = true;
            return;
        }
        write(field.key, *field.shape, *value, 0);
    }
    [[nodiscard]] bool is_over() const { return is_over_ || out_.size() > bytes_max_; }

private:
    void write(const KeyText& key, const Shape& shape, std::string_view text, size_t depth) {
        switch (shape.render) {
            case Render::text:
                return append_text<level>(out_, key, text);
            case Render::number:
                return append_number<level>(out_, key, text);
            case Render::boolean:
                if (text.size() == 1 && (text[0] == 't' || text[0] == 'f')) {
                    using namespace std::string_view_literals;
                    return append_bare<level>(out_, key, text[0] == 't' ? "true"sv : "false"sv);
                }
                return append_text<level>(out_, key, text);
            case Render::json:
                return append_json<level>(out_, key, text);
            case Render::timestamp:
                return append_timestamp<level>(out_, key, text, false);
            case Render::timestamptz:
                return append_timestamp<level>(out_, key, text, true);
            case Render::bytes:
                return append_bytes<level>(out_, key, text);
            case Render::vector:
                return append_vector<level>(out_, key, text);
            case Render::array:
                return write_array(key, shape, text, depth);
            case Render::composite:
                return write_composite(key, shape, text, depth);
        }
    }

    // What was read out of a literal, without its escapes. Valid until the next call at this depth.
    std::string_view plain(std::string_view text, bool is_escaped, size_t depth) {
        if (!is_escaped) {
            return text;
        }
        unescape_literal(text, scratch_[depth]);
        return scratch_[depth];
    }

    static bool is_array(std::string_view text, char delimiter) {
        ArrayReader reader(text, delimiter);
        LiteralToken token = reader.next();
        while (token != LiteralToken::end && token != LiteralToken::broken) {
            token = reader.next();
        }
        return token == LiteralToken::end;
    }

    // Two readings: bytes that were appended can not be taken back, so the literal is checked
    // first.
    void write_array(const KeyText& key, const Shape& shape, std::string_view text, size_t depth) {
        if (depth >= scratch_.size() || !is_array(text, shape.delimiter)) {
            return append_text<level>(out_, key, text);
        }
        ArrayReader reader(text, shape.delimiter);
        std::string_view comma;
        out_.append(key.bare<level>());
        for (LiteralToken token = reader.next(); token != LiteralToken::end && !is_over();
             token = reader.next()) {
            if (token != LiteralToken::close) {
                out_.append(comma);
            }
            comma = token == LiteralToken::open ? "" : ",";
            if (token == LiteralToken::open) {
                out_.append('[');
            } else if (token == LiteralToken::close) {
                out_.append(']');
            } else if (token == LiteralToken::null) {
                out_.append("null");
            } else {
                write(no_key, *shape.element, plain(reader.text(), reader.is_escaped(), depth),
                      depth + 1);
            }
        }
    }

    static bool has_fields(std::string_view text, size_t count) {
        CompositeReader reader(text);
        size_t fields = 0;
        LiteralToken token = reader.next();
        for (; token != LiteralToken::end && token != LiteralToken::broken; token = reader.next()) {
            ++fields;
        }
        return token == LiteralToken::end && fields == count;
    }

    void write_composite(const KeyText& key, const Shape& shape, std::string_view text,
                         size_t depth) {
        if (depth >= scratch_.size() || shape.fields.empty() ||
            !has_fields(text, shape.fields.size())) {
            // A type that the catalog knows in another shape.
            return append_text<level>(out_, key, text);
        }
        CompositeReader reader(text);
        out_.append(key.bare<level>());
        for (const FieldShape& field : shape.fields) {
            if (reader.next() == LiteralToken::null) {
                append_bare<level>(out_, field.key, "null");
            } else {
                write(field.key, *field.shape, plain(reader.text(), reader.is_escaped(), depth),
                      depth + 1);
            }
        }
        out_.append('}');
    }

    loop::BlockChain& out_;
    size_t bytes_max_;
    bool is_over_ = false;
    std::array<std::string, limits::value_depth_max> scratch_;  // one for each depth
};

}  // namespace

RowPlan make_row_plan(const pg::Catalog& catalog, const pg::Result& result,
                      std::span<const std::string_view> names, loop::Arena* arena) {
    const auto count = static_cast<size_t>(result.columns());
    const std::span<FieldShape> columns = arena->array<FieldShape>(count);
    for (size_t i = 0; i < count; ++i) {
        const int column = static_cast<int>(i);
        columns[i].key =
            key_text(names.empty() ? result.column_name(column) : names[i], i == 0, arena);
        columns[i].shape = shape_of(catalog, result.column_type(column), arena);
    }
    return {columns};
}

template <Escape level>
bool append_rows(const RowPlan& plan, const pg::Result& result, int first, int last,
                 size_t bytes_max, loop::BlockChain& out) {
    RowWriter<level> writer(out, bytes_max);
    for (int row = first; row < last; ++row) {
        if (row > 0) {
            out.append(',');
        }
        if (plan.columns.empty()) {
            out.append('{');
        }
        int column = 0;
        for (const FieldShape& field : plan.columns) {
            writer.write(field, result.value(row, column++));
        }
        out.append('}');
        if (writer.is_over()) {
            return false;
        }
    }
    return true;
}

template bool append_rows<Escape::once>(const RowPlan&, const pg::Result&, int, int, size_t,
                                        loop::BlockChain&);
template bool append_rows<Escape::twice>(const RowPlan&, const pg::Result&, int, int, size_t,
                                         loop::BlockChain&);

}  // namespace fluxgate::tools
