#include "app/duration.h"

#include <gtest/gtest.h>

namespace fluxgate::app {
namespace {

using namespace std::chrono_literals;

TEST(Duration, ReadsWhatGoWrites) {
    EXPECT_EQ(parse_duration("1h30m"), 90min);
    EXPECT_EQ(parse_duration("3600s"), 1h);
    EXPECT_EQ(parse_duration("500ms"), 500ms);
    EXPECT_EQ(parse_duration("1.5h"), 90min);
    EXPECT_EQ(parse_duration(".5s"), 500ms);
    EXPECT_EQ(parse_duration("2h45m30.5s"), 2h + 45min + 30s + 500ms);
    EXPECT_EQ(parse_duration("2000us"), 2ms);
    EXPECT_EQ(parse_duration("3000\u00b5s"), 3ms);
    EXPECT_EQ(parse_duration("1000000ns"), 1ms);
    EXPECT_EQ(parse_duration("30d"), 720h);
    EXPECT_EQ(parse_duration("0"), 0ms);
    EXPECT_EQ(parse_duration("0s"), 0ms);
}

TEST(Duration, RefusesEverythingElse) {
    for (const char* text :
         {"", " ", "10", "s", "1x", "1h30", "1 h", "h1", "1h 30m", "1.2.3s", ".s", "+5s",
          "5minutes", "1e3s", "5S", "999999999999999999999h", "300000d"})
        EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, RefusesNegativeAndTooFineOnesWithTheReason) {
    EXPECT_STREQ(parse_duration("-5s").error(), "is negative; write a duration such as 90s");
    EXPECT_STREQ(parse_duration("100us").error(),
                 "is finer than a millisecond; write at least whole milliseconds");
}

TEST(Duration, IsShownInOneUnit) {
    EXPECT_EQ(render_duration(1h), "1h");
    EXPECT_EQ(render_duration(90min), "90m");
    EXPECT_EQ(render_duration(90s), "90s");
    EXPECT_EQ(render_duration(250ms), "250ms");
    EXPECT_EQ(render_duration(0ms), "0s");
}

TEST(Duration, ReadsWhatItShows) {
    for (const auto value : {1ms, 999ms, 1000ms, 60000ms, 61000ms, 3600000ms, 86400000ms})
        EXPECT_EQ(parse_duration(render_duration(value)), value);
}

}  // namespace
}  // namespace fluxgate::app
