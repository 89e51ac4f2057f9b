// Look-ups in the catalog, and the quoting of what comes out of it.
#include "pg/catalog.h"

#include <gtest/gtest.h>

namespace fluxgate::pg {
namespace {

Table table_of(std::string schema, std::string name) {
    Table table;
    table.schema = std::move(schema);
    table.name = std::move(name);
    return table;
}

TEST(QuoteIdentifier, DoublesQuotesAndTouchesNothingElse) {
    EXPECT_EQ(quote_identifier("plain"), "\"plain\"");
    EXPECT_EQ(quote_identifier("a\"b"), "\"a\"\"b\"");
    EXPECT_EQ(quote_identifier("\""), "\"\"\"\"");
    EXPECT_EQ(quote_identifier(""), "\"\"");
    EXPECT_EQ(quote_identifier("x'; DROP TABLE y; --"), "\"x'; DROP TABLE y; --\"");
    EXPECT_EQ(quote_identifier("\xC3\xBC\\"), "\"\xC3\xBC\\\"");
}

TEST(ForeignKeyAction, IsCalledAsInSql) {
    EXPECT_EQ(to_string(ForeignKey::Action::no_action), "NO ACTION");
    EXPECT_EQ(to_string(ForeignKey::Action::restrict), "RESTRICT");
    EXPECT_EQ(to_string(ForeignKey::Action::cascade), "CASCADE");
    EXPECT_EQ(to_string(ForeignKey::Action::set_null), "SET NULL");
    EXPECT_EQ(to_string(ForeignKey::Action::set_default), "SET DEFAULT");
}

TEST(Catalog, FindsExactNamesOnly) {
    CatalogBuilder builder;
    builder.add_table(table_of("app", "notes"));
    builder.add_table(table_of("app", "Notes"));
    const CatalogPtr catalog = builder.build(1);
    EXPECT_EQ(catalog->find_table("app", "notes")->name, "notes");
    EXPECT_EQ(catalog->find_table("app", "Notes")->name, "Notes");
    EXPECT_EQ(catalog->find_table("app", "NOTES"), nullptr);
    EXPECT_EQ(catalog->find_table("public", "notes"), nullptr);
    EXPECT_EQ(catalog->find_table("", "notes"), nullptr);
    EXPECT_EQ(catalog->find_table("app.notes", ""), nullptr);
}

TEST(Catalog, SchemaAndTableDoNotRunTogether) {
    CatalogBuilder builder;
    builder.add_table(table_of("a", "bc"));
    const CatalogPtr catalog = builder.build(1);
    EXPECT_EQ(catalog->find_table("ab", "c"), nullptr);
    EXPECT_EQ(catalog->find_table("a", std::string_view("b\0c", 3)), nullptr);
    EXPECT_EQ(catalog->find_table(std::string_view("a\0b", 3), "c"), nullptr);
}

TEST(Catalog, TablesAreSortedAndQuoted) {
    CatalogBuilder builder;
    builder.add_table(table_of("b", "x"));
    Table odd = table_of("a", "we\"ird");
    odd.columns.resize(1);
    odd.columns[0].name = "my col";
    builder.add_table(std::move(odd));
    const CatalogPtr catalog = builder.build(3);
    ASSERT_EQ(catalog->tables().size(), 2u);
    EXPECT_EQ(catalog->tables()[0].quoted, "\"a\".\"we\"\"ird\"");
    EXPECT_EQ(catalog->tables()[0].columns[0].quoted, "\"my col\"");
    EXPECT_EQ(catalog->tables()[0].find_column("my col"), &catalog->tables()[0].columns[0]);
    EXPECT_EQ(catalog->tables()[0].find_column("MY COL"), nullptr);
    EXPECT_EQ(catalog->tables()[1].schema, "b");
    EXPECT_EQ(catalog->version(), 3u);
}

TEST(Catalog, ABuilderStartsAfreshAfterBuild) {
    CatalogBuilder builder;
    builder.add_table(table_of("a", "b"));
    Type type;
    type.oid = 23;
    builder.add_type(type);
    const CatalogPtr first = builder.build(1);
    const CatalogPtr second = builder.build(2);
    EXPECT_NE(first->find_type(23), nullptr);
    EXPECT_EQ(first->find_type(24), nullptr);
    EXPECT_EQ(second->find_type(23), nullptr);
    EXPECT_TRUE(second->tables().empty());
}

}  // namespace
}  // namespace fluxgate::pg
