#include "tools/value_hint.h"

#include <gtest/gtest.h>

#include <string>

namespace fluxgate::tools {
namespace {

constexpr uint32_t mood = 20'000, moods = 20'001, flag = 20'002;

pg::CatalogPtr make_types() {
    pg::CatalogBuilder builder;
    const auto add = [&](uint32_t oid, pg::Type::Kind kind, std::string name, uint32_t element) {
        pg::Type type;
        type.oid = oid;
        type.kind = kind;
        type.name = std::move(name);
        type.element = element;
        if (kind == pg::Type::Kind::enumeration) type.labels = {"happy", "sad"};
        builder.add_type(std::move(type));
    };
    add(16, pg::Type::Kind::base, "boolean", 0);
    add(23, pg::Type::Kind::base, "integer", 0);
    add(mood, pg::Type::Kind::enumeration, "public.mood", 0);
    add(moods, pg::Type::Kind::array, "public.mood[]", mood);
    add(flag, pg::Type::Kind::domain, "public.flag", 16);
    add(3904, pg::Type::Kind::range, "int4range", 23);
    return builder.build(1);
}

TEST(ValueHint, SaysHowAValueIsWritten) {
    const pg::CatalogPtr catalog = make_types();
    EXPECT_EQ(value_hint(*catalog, mood), "; one of: happy, sad");
    EXPECT_EQ(value_hint(*catalog, moods), "; written as {a,b}");
    EXPECT_EQ(value_hint(*catalog, 16), "; true or false");
    EXPECT_EQ(value_hint(*catalog, flag), "; true or false");
    EXPECT_EQ(value_hint(*catalog, 3904), "; a range, like [1,5)");
}

TEST(ValueHint, SaysNothingWhereTheTypesNameIsEnough) {
    const pg::CatalogPtr catalog = make_types();
    EXPECT_EQ(value_hint(*catalog, 23), "");
    EXPECT_EQ(value_hint(*catalog, 99'999), "");
}

TEST(ValueHint, SaysWhatAnOperatorIsFor) {
    EXPECT_EQ(operator_hint_of("sum"), "; it is for numbers and intervals");
    EXPECT_EQ(operator_hint_of("cs"), "; it is for arrays, jsonb and ranges");
    EXPECT_EQ(operator_hint_of("eq"), "");
}

}  // namespace
}  // namespace fluxgate::tools
