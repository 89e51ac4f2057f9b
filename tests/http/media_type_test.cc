#include "http/media_type.h"

#include <gtest/gtest.h>

#include <vector>

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

TEST(MediaType, StreamsWhereTheClientAsksForIt) {
    for (const char* accept :
         {"text/event-stream", "application/json, text/event-stream", "text/*",
          "TEXT/Event-Stream;charset=utf-8", "application/json;q=0, text/event-stream",
          "*/*, text/event-stream;q=0.001"}) {
        EXPECT_TRUE(accepts_events(accept)) << accept;
    }
}

TEST(MediaType, DoesNotStreamUnasked) {
    for (const char* accept :
         {"", "*/*", "application/json", "application/*", "text/html", "text/event-stream;q=0",
          "text/event-stream;q=0.000", "text/*; q=0", "text/event-streams", "event-stream",
          "application/json;x=\"text/event-stream\"", "\"text/event-stream\"", ","}) {
        EXPECT_FALSE(accepts_events(accept)) << accept;
    }
}

// Fields as the parser counts them: the first one's value is known, all are listed.
Request with_accept(const std::vector<HeaderField>& fields) {
    Request request;
    request.fields = fields;
    const auto index = static_cast<size_t>(Field::accept);
    request.known_count[index] = static_cast<uint8_t>(fields.size());
    if (!fields.empty()) request.known[index] = fields.front().value;
    return request;
}

TEST(MediaType, ReadsSeveralFieldsAsOneList) {
    const std::vector<HeaderField> both = {{"Accept", "application/json"},
                                           {"ACCEPT", "text/event-stream"}};
    EXPECT_TRUE(accepts_events(with_accept(both)));
    EXPECT_TRUE(accepts_answer(with_accept(both)));
    const std::vector<HeaderField> neither = {{"Accept", "text/html"}, {"accept", "image/png"}};
    EXPECT_FALSE(accepts_events(with_accept(neither)));
    EXPECT_FALSE(accepts_answer(with_accept(neither)));
}

TEST(MediaType, AnswersButDoesNotStreamWhereNothingIsSaid) {
    EXPECT_TRUE(accepts_answer(with_accept({})));
    EXPECT_FALSE(accepts_events(with_accept({})));
    const std::vector<HeaderField> empty = {{"Accept", ""}};
    EXPECT_TRUE(accepts_answer(with_accept(empty)));
    EXPECT_FALSE(accepts_events(with_accept(empty)));
}

}  // namespace
}  // namespace fluxgate::http
