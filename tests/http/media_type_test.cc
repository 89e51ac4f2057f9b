#include "http/media_type.h"

#include <gtest/gtest.h>

namespace fluxgate::http {
namespace {

TEST(MediaType, TakesJsonWithParametersInAnyCase) {
    for (const char* type :
         {"application/json", "Application/JSON", "application/json; charset=utf-8",
          "application/json;charset=UTF-8", "application/json ; a=\"b;c\"", "application/json;"}) {
        EXPECT_TRUE(is_json_type(type)) << type;
    }
}

TEST(MediaType, RefusesWhatOnlyLooksLikeJson) {
    for (const char* type :
         {"", "application/jsonx", "application/json-patch+json", "text/json", "application/jso",
          "application/json, text/plain", "application / json", "x application/json",
          "application/x-www-form-urlencoded", "text/plain", "application/json/",
          "\"application/json\"", ";application/json"}) {
        EXPECT_FALSE(is_json_type(type)) << type;
    }
}

TEST(MediaType, AcceptsAnyRangeThatCanMatch) {
    for (const char* accept :
         {"application/json", "text/event-stream", "application/json, text/event-stream", "*/*",
          "application/*", "text/*", "text/html, */*;q=0.1", "TEXT/Event-Stream",
          "text/html;level=\"1,2\", application/json;q=0.001", " application/json ", ",,*/*",
          "application/json;q=0, text/event-stream"}) {
        EXPECT_TRUE(accepts_answer(accept)) << accept;
    }
}

TEST(MediaType, RefusesRangesThatCanNotMatch) {
    for (const char* accept :
         {"text/html", "application/xml", "image/*", "application/json;q=0", "*/*;q=0.0",
          "application/json;q=0.000, text/event-stream;Q=0", "application/jsonx", "*", ",",
          "text/html;x=\"application/json\"", "\"*/*\"", "text/html;x=\"a, */*"}) {
        EXPECT_FALSE(accepts_answer(accept)) << accept;
    }
}

}  // namespace
}  // namespace fluxgate::http
