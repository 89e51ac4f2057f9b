#include "rpc/event_id.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/rpc/signed_fixture.h"

namespace fluxgate::rpc {
namespace {

using Kind = EventStreams::Kind;

const EventId one{.kind = Kind::session,
                  .stream = 0x8877665544332211,
                  .number = 0xfffefdfc,
                  .session = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255}};

TEST(EventId, SaysAllOfTheEvent) {
    const Signer signer(test::signer_key);
    for (const Kind kind : {Kind::answer, Kind::session}) {
        for (const uint32_t number : {0U, 1U, 255U, 256U, std::numeric_limits<uint32_t>::max()}) {
            EventId id = one;
            id.kind = kind;
            id.number = number;
            const auto read = read_event_id(signer, make_event_id(signer, id));
            ASSERT_TRUE(read);
            EXPECT_EQ(read->kind, kind);
            EXPECT_EQ(read->stream, one.stream);
            EXPECT_EQ(read->number, number);
            EXPECT_EQ(read->session, one.session);
        }
    }
}

TEST(EventId, MeansTheSameOnEveryMachine) {
    const Signer signer(test::signer_key);
    EXPECT_EQ(signer.verify(Purpose::event_id, make_event_id(signer, one)),
              std::string("\x01\x01\x88\x77\x66\x55\x44\x33\x22\x11\xff\xfe\xfd\xfc"
                          "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\xff"));
}

TEST(EventId, IsOneLineOfVisibleAscii) {
    const Signer signer(test::signer_key);
    for (const char character : make_event_id(signer, one)) {
        EXPECT_GE(character, 0x21);
        EXPECT_LE(character, 0x7e);
    }
}

TEST(EventId, IsRefusedWithEveryChange) {
    const Signer signer(test::signer_key);
    test::expect_every_change_refused(make_event_id(signer, one), [&](const std::string& text) {
        return !read_event_id(signer, text).has_value();
    });
}

TEST(EventId, OfAnotherKeyOrPurposeIsRefused) {
    const Signer signer(test::signer_key);
    const Signer other(test::other_signer_key);
    const std::string text = make_event_id(signer, one);
    EXPECT_FALSE(read_event_id(other, text));
    const std::string payload = signer.verify(Purpose::event_id, text).value();
    EXPECT_TRUE(read_event_id(signer, signer.sign(Purpose::event_id, payload)));
    for (const Purpose purpose :
         {Purpose::session, Purpose::cursor, Purpose::request_state, Purpose::sse_endpoint}) {
        EXPECT_FALSE(read_event_id(signer, signer.sign(purpose, payload)));
    }
}

TEST(EventId, WithAnotherPayloadIsRefused) {
    const Signer signer(test::signer_key);
    const std::string payload =
        signer.verify(Purpose::event_id, make_event_id(signer, one)).value();
    const auto is_refused = [&](const std::string& changed) {
        return !read_event_id(signer, signer.sign(Purpose::event_id, changed)).has_value();
    };
    EXPECT_TRUE(is_refused(""));
    EXPECT_TRUE(is_refused(payload.substr(1)));
    EXPECT_TRUE(is_refused(payload + '\0'));
    for (const Kind kind : {Kind::old_transport, Kind::subscription}) {  // not resumable
        std::string changed = payload;
        changed[1] = static_cast<char>(kind);
        EXPECT_TRUE(is_refused(changed));
    }
    for (const size_t at : {size_t{0}, size_t{1}}) {  // the payload's version, the kind
        std::string unknown = payload;
        unknown[at] = '\xff';
        EXPECT_TRUE(is_refused(unknown));
    }
}

}  // namespace
}  // namespace fluxgate::rpc
