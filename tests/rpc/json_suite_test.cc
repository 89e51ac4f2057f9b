// JSONTestSuite (Nicolas Seriot) and the Unicode decoder stress test, whole files.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "rpc/json_reader.h"
#include "rpc/json_writer.h"
#include "tests/rpc/padded.h"

namespace fluxgate::rpc {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<fs::path> suite_files(std::string_view prefix) {
    std::vector<fs::path> files;
    for (const auto& entry :
         fs::directory_iterator(fs::path(FLUXGATE_TEST_DATA) / "JSONTestSuite" / "test_parsing")) {
        if (entry.path().filename().string().starts_with(prefix)) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

class JsonSuite : public testing::Test {
protected:
    bool accepts(std::string_view text) {
        arena_.reset();
        const test::Padded padded(text);
        return reader_.read(padded.view(), arena_).has_value();
    }
    // y_object_duplicated_key*.json are JSON; as an RPC message's top level they are refused, so
    // they are read one level down, where nobody looks names up.
    bool accepts_as_value(std::string_view text) {
        return accepts("[[" + std::string(text) + "]]");
    }
    loop::Arena arena_;
    JsonReader reader_{10'485'760};
};

TEST_F(JsonSuite, AcceptsEveryDocumentThatMustBeAccepted) {
    const std::vector<fs::path> files = suite_files("y_");
    ASSERT_EQ(files.size(), 95U);
    for (const fs::path& file : files) {
        const std::string text = read_file(file);
        EXPECT_TRUE(accepts_as_value(text)) << file;
        const bool has_duplicates =
            file.filename().string().find("duplicated_key") != std::string::npos;
        EXPECT_EQ(accepts(text), !has_duplicates) << file;
    }
}

TEST_F(JsonSuite, RefusesEveryDocumentThatMustBeRefused) {
    const std::vector<fs::path> files = suite_files("n_");
    ASSERT_EQ(files.size(), 188U);
    for (const fs::path& file : files) {
        EXPECT_FALSE(accepts(read_file(file))) << file;
    }
}

// Free to choose; the choice is written down here so that a new simdjson can not change it
// unnoticed.
TEST_F(JsonSuite, ChoosesTheSameForTheFreeDocuments) {
    const std::vector<std::string> accepted = {
        // Numbers stay tokens, so none is too large or too small.
        "i_number_double_huge_neg_exp.json", "i_number_huge_exp.json",
        "i_number_neg_int_huge_exp.json",    "i_number_pos_double_huge_exp.json",
        "i_number_real_neg_overflow.json",   "i_number_real_pos_overflow.json",
        "i_number_real_underflow.json",      "i_number_too_big_neg_int.json",
        "i_number_too_big_pos_int.json",     "i_number_very_big_negative_int.json"};
    const std::vector<fs::path> files = suite_files("i_");
    ASSERT_EQ(files.size(), 35U);
    for (const fs::path& file : files) {
        const bool is_expected =
            std::ranges::find(accepted, file.filename().string()) != accepted.end();
        EXPECT_EQ(accepts(read_file(file)), is_expected) << file;
    }
}

TEST_F(JsonSuite, RepairsTheUtf8StressTestSoThatItCanBeReadAgain) {
    for (const char* name : {"utf8tests.txt", "utf8tests.bin"}) {
        const std::string bytes = read_file(fs::path(FLUXGATE_TEST_DATA) / "utf8tests" / name);
        ASSERT_FALSE(bytes.empty());
        loop::BlockChain out;
        JsonWriter<Escape::once> writer(out);
        writer.string(bytes);
        EXPECT_TRUE(accepts(out.to_string())) << name;
    }
}

// Each line of the stress test alone: a line with bad bytes is refused, its repaired form accepted.
TEST_F(JsonSuite, RefusesExactlyTheLinesThatAreNotUtf8) {
    const std::string bytes =
        read_file(fs::path(FLUXGATE_TEST_DATA) / "utf8tests" / "utf8tests.bin");
    size_t begin = 0;
    size_t refused = 0;
    while (begin < bytes.size()) {
        const size_t end = std::min(bytes.find('\n', begin), bytes.size());
        std::string line = bytes.substr(begin, end - begin);
        begin = end + 1;
        std::erase_if(line, [](char byte) {
            return (byte >= 0 && byte < 0x20) || byte == '"' || byte == '\\';
        });
        EXPECT_EQ(accepts("\"" + line + "\""), is_utf8(line));
        refused += is_utf8(line) ? 0 : 1;
    }
    EXPECT_GT(refused, 0U);
}

}  // namespace
}  // namespace fluxgate::rpc
