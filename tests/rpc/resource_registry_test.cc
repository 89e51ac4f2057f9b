#include "rpc/resource_registry.h"

#include <gtest/gtest.h>

#include "rpc/prompt_registry.h"
#include "tests/rpc/fake_resource.h"

namespace fluxgate::rpc {
namespace {

constexpr const char* list_uri = "fluxbase://schema/tables";
constexpr const char* template_uri = "fluxbase://schema/tables/{schema}/{table}";
constexpr const char* users_uri = "fluxbase://schema/tables/public/users";

ResourceRegistry registry(std::vector<std::string> allowed) {
    ResourceRegistry resources(std::move(allowed));
    resources.add(std::make_unique<test::FakeResource>(template_uri));
    resources.add(std::make_unique<test::FakeResource>(list_uri));
    return resources;
}

// The URI of what was found, and the values of its variables.
std::string find(const ResourceRegistry& resources, std::string_view uri) {
    loop::Arena arena;
    const ResourceRegistry::Found found = resources.find(uri, &arena);
    if (found.resource == nullptr) return "-";
    std::string text = found.resource->info().uri;
    for (const TemplateVariable& variable : found.variables)
        text += " " + std::string(variable.value);
    return text;
}

const std::string found_users = std::string(template_uri) + " public users";

TEST(ResourceRegistry, KeepsResourcesInTheOrderOfTheirUris) {
    const ResourceRegistry resources = registry({});
    ASSERT_EQ(resources.all().size(), 2U);
    EXPECT_EQ(resources.all()[0].resource->info().uri, list_uri);
    EXPECT_EQ(resources.all()[1].resource->info().uri, template_uri);
    EXPECT_TRUE(resources.allowed_but_unknown().empty());
}

TEST(ResourceRegistry, FindsExactUrisAndWhatTemplatesMatch) {
    const ResourceRegistry resources = registry({});
    EXPECT_EQ(find(resources, list_uri), list_uri);
    EXPECT_EQ(find(resources, users_uri), found_users);
    EXPECT_EQ(find(resources, "fluxbase://schema/tables/public/%75sers"), found_users);
    EXPECT_NE(resources.find_template(template_uri), nullptr);
}

TEST(ResourceRegistry, FindsNothingElse) {
    const ResourceRegistry resources = registry({});
    for (const char* uri :
         {"", "fluxbase://schema", "fluxbase://schema/tables/", "fluxbase://schema/tables/public",
          "fluxbase://schema/tables?x", "fluxbase://schema/table", "Fluxbase://schema/tables",
          "fluxbase://schema/tables/public/%00"}) {
        EXPECT_EQ(find(resources, uri), "-") << uri;
    }
    EXPECT_EQ(resources.find_template(list_uri), nullptr);
    EXPECT_EQ(resources.find_template(users_uri), nullptr);
    EXPECT_EQ(resources.find_template(""), nullptr);
}

TEST(ResourceRegistry, ATemplatesOwnTextIsOnlyAUriThatItMatches) {
    EXPECT_EQ(find(registry({}), template_uri), std::string(template_uri) + " {schema} {table}");
}

TEST(ResourceRegistry, AnExactUriGoesBeforeATemplate) {
    ResourceRegistry resources = registry({});
    resources.add(std::make_unique<test::FakeResource>(users_uri));
    EXPECT_EQ(find(resources, users_uri), users_uri);
    EXPECT_EQ(find(resources, std::string(users_uri) + "2"), found_users + "2");
}

TEST(ResourceRegistry, FindsOnlyWhatIsAllowed) {
    const ResourceRegistry only_list = registry({list_uri});
    EXPECT_EQ(find(only_list, list_uri), list_uri);
    EXPECT_EQ(find(only_list, users_uri), "-");
    EXPECT_EQ(only_list.find_template(template_uri), nullptr);

    const ResourceRegistry only_template = registry({template_uri});
    EXPECT_EQ(find(only_template, list_uri), "-");
    EXPECT_EQ(find(only_template, users_uri), found_users);
    EXPECT_NE(only_template.find_template(template_uri), nullptr);
}

TEST(ResourceRegistry, AnAllowedMemberOfATemplateIsAllThatIsAllowedOfIt) {
    const ResourceRegistry resources =
        registry({users_uri, "fluxbase://schema/tables/a/%62", "fluxbase://nowhere"});
    EXPECT_EQ(find(resources, users_uri), found_users);
    EXPECT_EQ(find(resources, "fluxbase://schema/tables/public/%75sers"), found_users);
    EXPECT_EQ(find(resources, "fluxbase://schema/tables/a/b"), std::string(template_uri) + " a b");
    EXPECT_EQ(find(resources, "fluxbase://schema/tables/public/orders"), "-");
    EXPECT_EQ(find(resources, "fluxbase://schema/tables/a/users"), "-");
    EXPECT_EQ(find(resources, "fluxbase://schema/tables/users/public"), "-");
    EXPECT_EQ(find(resources, list_uri), "-");
    EXPECT_EQ(resources.find_template(template_uri), nullptr);
    ASSERT_EQ(resources.all().size(), 1U);
    EXPECT_FALSE(resources.all()[0].is_whole_template());
    EXPECT_EQ(resources.allowed_but_unknown(), std::vector<std::string>{"fluxbase://nowhere"});
}

TEST(ResourceRegistry, AWholeTemplateBesideOneOfItsMembersIsWhole) {
    for (const auto& allowed : {std::vector<std::string>{users_uri, template_uri},
                                std::vector<std::string>{template_uri, users_uri}}) {
        const ResourceRegistry resources = registry(allowed);
        EXPECT_NE(find(resources, "fluxbase://schema/tables/public/orders"), "-");
        EXPECT_TRUE(resources.allowed_but_unknown().empty());
    }
}

TEST(ResourceRegistry, ExcludesWhatIsNotAllowedWhetherItIsThereOrNot) {
    const ResourceRegistry resources = registry({users_uri});
    EXPECT_NE(find(resources, users_uri), "-");
    EXPECT_NE(find(resources, "fluxbase://schema/tables/public/%75sers"), "-");
    for (const std::string& uri :
         {std::string("fluxbase://schema/tables/public/orders"), std::string(list_uri),
          std::string(template_uri), std::string("a://unknown"), std::string()}) {
        EXPECT_EQ(find(resources, uri), "-") << uri;
        EXPECT_FALSE(resources.is_foreign(uri)) << uri;
    }
}

TEST(ResourceRegistry, IsForeignToOtherSchemesThanItsOwn) {
    const ResourceRegistry resources = registry({});
    for (const char* uri : {"fluxbase://nowhere", "fluxbase:", "fluxbase"})
        EXPECT_FALSE(resources.is_foreign(uri)) << uri;
    for (const char* uri : {"a://unknown", "fluxbas://schema", "fluxbases://schema", ""})
        EXPECT_TRUE(resources.is_foreign(uri)) << uri;
}

TEST(ResourceRegistry, AListOfUnknownUrisAllowsNothing) {
    const ResourceRegistry resources = registry({"fluxbase://functions", "fluxbase://schema/"});
    EXPECT_TRUE(resources.all().empty());
    EXPECT_EQ(resources.allowed_but_unknown().size(), 2U);
}

TEST(ResourceRegistryDeathTest, StopsAtAResourceThatIsOurMistake) {
    ResourceRegistry resources = registry({});
    EXPECT_DEATH(resources.add(std::make_unique<test::FakeResource>(list_uri)), "");
    EXPECT_DEATH(resources.add(std::make_unique<test::FakeResource>("")), "");
    EXPECT_DEATH(resources.add(std::make_unique<test::FakeResource>("a://{b")), "");
}

TEST(PromptRegistry, FindsExactNamesInTheirOrder) {
    PromptRegistry prompts;
    prompts.add(std::make_unique<test::FakePrompt>("write"));
    prompts.add(std::make_unique<test::FakePrompt>("explore"));
    ASSERT_EQ(prompts.all().size(), 2U);
    EXPECT_EQ(prompts.all()[0]->info().name, "explore");
    EXPECT_EQ(prompts.find("write"), prompts.all()[1].get());
    for (const char* name : {"", "writ", "write2", "Write", "write "}) {
        EXPECT_EQ(prompts.find(name), nullptr) << name;
    }
}

TEST(PromptRegistryDeathTest, StopsAtAPromptThatIsOurMistake) {
    PromptRegistry prompts;
    prompts.add(std::make_unique<test::FakePrompt>("write"));
    EXPECT_DEATH(prompts.add(std::make_unique<test::FakePrompt>("write")), "");
    EXPECT_DEATH(prompts.add(std::make_unique<test::FakePrompt>("")), "");
    EXPECT_DEATH(prompts.add(std::make_unique<test::FakePrompt>("with space")), "");
}

}  // namespace
}  // namespace fluxgate::rpc
