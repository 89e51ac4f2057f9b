#include "loop/peer_address.h"

#include <gtest/gtest.h>

#include <string>

namespace fluxgate::loop {
namespace {

std::string round_trip(std::string_view text) {
    const std::optional<PeerAddress> parsed = PeerAddress::parse(text, 443);
    if (!parsed) return "refused";
    sockaddr_storage storage{};
    EXPECT_GT(parsed->to_sockaddr(storage), 0U);
    const PeerAddress back = PeerAddress::from_sockaddr(storage);
    EXPECT_EQ(back, *parsed);
    EXPECT_EQ(back.port(), 443);
    return std::string(std::string_view(back.text()));
}

TEST(PeerAddress, KeepsItsTextThroughEveryForm) {
    EXPECT_EQ(round_trip("192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(round_trip("255.255.255.255"), "255.255.255.255");
    EXPECT_EQ(round_trip("2001:DB8:0:0:0:0:0:1"), "2001:db8::1");
    EXPECT_EQ(round_trip("::"), "::");
    EXPECT_EQ(round_trip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

TEST(PeerAddress, AMappedAddressIsAVersionFourAddress) {
    EXPECT_EQ(round_trip("::ffff:192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(PeerAddress::parse("::ffff:192.0.2.1"), PeerAddress::parse("192.0.2.1"));
    EXPECT_TRUE(PeerAddress::parse("::ffff:0:192.0.2.1")->is_v6());
}

TEST(PeerAddress, RefusesWhatIsNoAddress) {
    for (std::string_view text :
         {std::string_view(""), std::string_view("1.2.3"), std::string_view("1.2.3.4.5"),
          std::string_view("1.2.3.256"), std::string_view("[::1]"), std::string_view("::1%lo"),
          std::string_view("1.2.3.4\0", 8), std::string_view("::1::2"), std::string_view(" ::1"),
          std::string_view("0x7f.1"), std::string_view("127.1")})
        EXPECT_FALSE(PeerAddress::parse(text)) << text;
    EXPECT_FALSE(PeerAddress::parse(std::string(10'000, ':')));
}

TEST(PeerAddress, CountsACustomersVersionSixAddressesAsOne) {
    const auto key = [](std::string_view text) { return PeerAddress::parse(text)->prefix_key(); };
    EXPECT_EQ(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
    EXPECT_NE(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    EXPECT_NE(key("192.0.2.1"), key("192.0.2.2"));
    EXPECT_NE(key("0.0.0.0"), key("::"));
    EXPECT_EQ(key("::ffff:192.0.2.1"), key("192.0.2.1"));
}

TEST(PeerAddress, AnUnknownOneSaysSo) {
    EXPECT_EQ(std::string_view(PeerAddress().text()), "unknown");
    sockaddr_storage local{};
    local.ss_family = AF_UNIX;
    EXPECT_EQ(PeerAddress::from_sockaddr(local), PeerAddress());
    EXPECT_EQ(PeerAddress().to_sockaddr(local), 0U);
}

}  // namespace
}  // namespace fluxgate::loop
