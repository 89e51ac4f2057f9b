#include "rpc/list_page.h"

#include <gtest/gtest.h>

#include "rpc/cursor.h"
#include "tests/rpc/fake_resource.h"
#include "tests/rpc/fake_tool.h"

namespace fluxgate::rpc {
namespace {

class ListPageTest : public testing::Test {
protected:
    ListPageTest() { reader_.scopes = {"read:tables"}; }

    struct Page {
        std::string entries;
        std::string last;
        int failure = 0;
    };
    Page resources(std::string_view after = {}, Revision revision = Revision::r2025_06_18) {
        Page page;
        loop::BlockChain out;
        loop::Scope scope(loop_.get());
        CallContext call;
        call.scope = &scope;
        call.principal = principal_;
        call.protocol = &protocol_of(revision);
        struct Runner {
            static loop::Task<void> run(CallContext* call, const ResourceRegistry* resources,
                                        std::string_view after, loop::BlockChain* out, Page* page) {
                auto last = co_await write_resources_page(call, resources, after, out);
                if (last) {
                    page->last = *last;
                } else {
                    page->failure = last.error().code;
                }
            }
        };
        scope.spawn("list", Runner::run(&call, &registry_, after, &out, &page));
        loop_.advance(std::chrono::milliseconds(1));
        page.entries = out.to_string();
        return page;
    }
    // Only the URIs.
    std::string uris(std::string_view after = {}) {
        const std::string entries = resources(after).entries;
        std::string out;
        for (size_t at = 0; (at = entries.find(R"({"uri":")", at)) != std::string::npos;) {
            at += 8;
            out += entries.substr(at, entries.find('"', at) - at) + " ";
        }
        return out;
    }
    test::FakeResource& add(const char* uri, std::vector<std::string> scopes = {}) {
        auto made = std::make_unique<test::FakeResource>(uri, std::move(scopes));
        test::FakeResource& resource = *made;
        registry_.add(std::move(made));
        return resource;
    }
    ListReader reader(Revision revision = Revision::r2025_06_18) {
        return {.principal = principal_, .protocol = &protocol_of(revision)};
    }
    std::string templates(Revision revision = Revision::r2025_06_18) {
        loop::BlockChain out;
        EXPECT_EQ(write_templates_page(reader(revision), registry_, {}, out), "");
        return out.to_string();
    }

    test::TestLoop loop_;
    ResourceRegistry registry_{{}};
    http::Principal reader_;
    const http::Principal* principal_ = &reader_;
};

TEST_F(ListPageTest, WritesWhatEachRevisionKnows) {
    add("a://b");
    add("a://b/{c}");
    EXPECT_EQ(resources().entries, R"({"uri":"a://b","name":"Name of a://b","title":"Title",)"
                                   R"("description":"A \"resource\".","mimeType":"text/plain"})");
    EXPECT_EQ(resources({}, Revision::r2025_03_26).entries,
              R"({"uri":"a://b","name":"Name of a://b",)"
              R"("description":"A \"resource\".","mimeType":"text/plain"})");
    EXPECT_EQ(templates(),
              R"({"uriTemplate":"a://b/{c}","name":"Name of a://b/{c}","title":"Title",)"
              R"("description":"A \"resource\".","mimeType":"text/plain"})");
    EXPECT_EQ(templates(Revision::r2024_11_05),
              R"({"uriTemplate":"a://b/{c}","name":"Name of a://b/{c}",)"
              R"("description":"A \"resource\".","mimeType":"text/plain"})");
}

TEST_F(ListPageTest, WritesPromptsWithTheirArguments) {
    PromptRegistry prompts;
    auto prompt = std::make_unique<test::FakePrompt>("write");
    prompt->edit_info().arguments = {
        {.name = "table", .title = "Table", .description = "Which.", .required = true},
        {.name = "how", .title = "", .description = ""}};
    prompts.add(std::move(prompt));
    prompts.add(std::make_unique<test::FakePrompt>("explore"));
    prompts.add(std::make_unique<test::FakePrompt>("hidden", std::vector<std::string>{"x"}));
    const auto text = [&](Revision revision) {
        loop::BlockChain out;
        EXPECT_EQ(write_prompts_page(reader(revision), prompts, {}, out), "");
        return out.to_string();
    };
    EXPECT_EQ(text(Revision::r2025_06_18),
              R"({"name":"explore","title":"Title","description":"Asks."},)"
              R"({"name":"write","title":"Title","description":"Asks.","arguments":[)"
              R"({"name":"table","title":"Table","description":"Which.","required":true},)"
              R"({"name":"how","required":false}]})");
    EXPECT_EQ(text(Revision::r2025_03_26),
              R"({"name":"explore","description":"Asks."},)"
              R"({"name":"write","description":"Asks.","arguments":[)"
              R"({"name":"table","description":"Which.","required":true},)"
              R"({"name":"how","required":false}]})");
}

TEST_F(ListPageTest, ShowsACallerWhatItMayRead) {
    add("a://open");
    add("a://tables", {"read:tables"});
    add("a://both", {"read:tables", "admin"});
    add("a://t/{x}", {"admin"}).members = {"a://t/1"};
    add("a://u/{x}", {"read:tables"}).members = {"a://u/1"};
    EXPECT_EQ(uris(), "a://open a://tables a://u/1 ");
    EXPECT_EQ(templates().find("a://t/{x}"), std::string::npos);
    EXPECT_NE(templates().find("a://u/{x}"), std::string::npos);
    principal_ = nullptr;
    EXPECT_EQ(uris(), "a://open ");
    EXPECT_EQ(templates(), "");
}

TEST_F(ListPageTest, PutsMembersOfTemplatesInOneOrderWithTheOthers) {
    add("a://c/{x}").members = {"a://c/9", "a://c/1", "a://c/5"};
    add("a://b/{x}").members = {"a://b/1"};
    add("a://c/5");
    EXPECT_EQ(uris(), "a://b/1 a://c/1 a://c/5 a://c/9 ");
    EXPECT_NE(resources().entries.find(R"("a://c/5","name":"Name of a://c/5")"), std::string::npos);
    EXPECT_EQ(uris("a://c/1"), "a://c/5 a://c/9 ");
    EXPECT_EQ(uris("a://c/2"), "a://c/5 a://c/9 ");  // gone meanwhile
    EXPECT_EQ(uris("a://c/9"), "");
    EXPECT_EQ(uris("zzz"), "");
}

TEST_F(ListPageTest, PagesHoldEachEntryOnce) {
    constexpr size_t count = 2 * page_entries_max + 1;
    std::vector<std::string> all;
    for (size_t i = 0; i < count; ++i)
        all.push_back("a://m/" + std::to_string(1000 + i));
    add("a://m/{x}").members = {all.rbegin(), all.rend()};
    std::string seen;
    std::string after;
    size_t pages = 0;
    do {
        seen += uris(after);
        after = resources(after).last;
        ++pages;
    } while (!after.empty());
    std::string expected;
    for (const std::string& uri : all)
        expected += uri + " ";
    EXPECT_EQ(seen, expected);
    EXPECT_EQ(pages, 3U);
}

TEST_F(ListPageTest, AFullPageIsTheLastOneIfNothingFollows) {
    test::FakeResource& members = add("a://m/{x}");
    for (size_t i = 0; i < page_entries_max; ++i)
        members.members.push_back("a://m/" + std::to_string(1000 + i));
    EXPECT_EQ(resources().last, "");
    members.members.push_back("a://m/2000");
    EXPECT_EQ(resources().last, "a://m/1099");
}

TEST_F(ListPageTest, AMemberThatIsNotAllowedIsNotListed) {
    registry_ = ResourceRegistry({"a://m/2"});
    add("a://m/{x}").members = {"a://m/1", "a://m/2", "a://m/3"};
    EXPECT_EQ(uris(), "a://m/2 ");
    EXPECT_EQ(templates(), "");
}

TEST_F(ListPageTest, AFailureOfOneTemplateIsThatOfTheList) {
    add("a://a");
    add("a://m/{x}").failure = CallFailure{.code = 503, .message = "database unavailable"};
    const Page page = resources();
    EXPECT_EQ(page.failure, 503);
    EXPECT_EQ(page.entries, "");
}

}  // namespace
}  // namespace fluxgate::rpc
