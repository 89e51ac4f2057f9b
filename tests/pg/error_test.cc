// The table from SQLSTATE to kind.
#include "pg/error.h"

#include <gtest/gtest.h>

#include "pg/query.h"

namespace fluxgate::pg {
namespace {

TEST(SqlState, ValuesThatDoNotFitAreInvalid) {
    for (const char* state :
         {"22P02", "22003", "22008", "22007", "22021", "22025", "22P05", "22012"})
        EXPECT_EQ(kind_of_sqlstate(state), ErrorKind::invalid_value) << state;
}

TEST(SqlState, MissingOperatorsAndTypesAreUnsupported) {
    for (const char* state : {"42883", "42804", "42846", "42725", "42P18", "0A000"})
        EXPECT_EQ(kind_of_sqlstate(state), ErrorKind::unsupported) << state;
}

TEST(SqlState, UnknownNamesAreUnknownObjects) {
    for (const char* state : {"42P01", "42703", "42704", "3F000"})
        EXPECT_EQ(kind_of_sqlstate(state), ErrorKind::unknown_object) << state;
}

TEST(SqlState, ConstraintsAreConflicts) {
    for (const char* state : {"23505", "23503", "23502", "23514", "23P01", "44000"})
        EXPECT_EQ(kind_of_sqlstate(state), ErrorKind::conflict) << state;
}

TEST(SqlState, EverythingThatComesBackLaterIsUnavailable) {
    for (const char* state : {"08000", "08006", "53300", "57P01", "57P02", "57P03", "57P05",
                              "53100", "28P01", "3D000", "58030"}) {
        EXPECT_EQ(kind_of_sqlstate(state), ErrorKind::unavailable) << state;
    }
}

TEST(SqlState, SingleCodesGoBeforeTheirClass) {
    EXPECT_EQ(kind_of_sqlstate("57014"), ErrorKind::timeout);
    EXPECT_EQ(kind_of_sqlstate("53200"), ErrorKind::too_complex);
    EXPECT_EQ(kind_of_sqlstate("25006"), ErrorKind::read_only);
    EXPECT_EQ(kind_of_sqlstate("25001"), ErrorKind::other);
    EXPECT_EQ(kind_of_sqlstate("40001"), ErrorKind::serialization);
    EXPECT_EQ(kind_of_sqlstate("40P01"), ErrorKind::serialization);
    EXPECT_EQ(kind_of_sqlstate("40003"), ErrorKind::other);
    EXPECT_EQ(kind_of_sqlstate("42501"), ErrorKind::permission);
    EXPECT_EQ(kind_of_sqlstate("54001"), ErrorKind::too_complex);
}

TEST(SqlState, OurOwnMistakesAreBugs) {
    for (const char* state : {"42601", "26000", "42P05", "42P02"})
        EXPECT_EQ(kind_of_sqlstate(state), ErrorKind::bug) << state;
}

TEST(SqlState, WhatIsNotASqlstateIsOther) {
    for (const char* state : {"", "2", "22", "22P0", "22P022", "P0001", "XX000"})
        EXPECT_EQ(kind_of_sqlstate(state), ErrorKind::other) << state;
}

TEST(SqlState, EveryKindHasAWord) {
    for (int kind = 0; kind <= static_cast<int>(ErrorKind::other); ++kind)
        EXPECT_GT(std::string_view(to_string(static_cast<ErrorKind>(kind))).size(), 2u);
}

TEST(RoleName, IsTheDatabaseRole) {
    EXPECT_EQ(to_string(Role::anon), "anon");
    EXPECT_EQ(to_string(Role::authenticated), "authenticated");
    EXPECT_EQ(to_string(Role::service_role), "service_role");
    EXPECT_EQ(to_string(Role::gateway), "gateway");
}

}  // namespace
}  // namespace fluxgate::pg
