#include "loop/block_chain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "loop/sanitizer.h"

namespace fluxgate::loop {
namespace {

std::string gather(const BlockChain& chain, size_t offset, size_t parts_max) {
    std::string text;
    std::vector<iovec> parts(parts_max);
    while (offset < chain.size()) {
        const size_t count = chain.fill_iovec(parts, offset);
        EXPECT_GT(count, 0U);
        if (count == 0) break;
        for (const iovec& part : std::span(parts).first(count)) {
            EXPECT_GT(part.iov_len, 0U);
            text.append(static_cast<const char*>(part.iov_base), part.iov_len);
            offset += part.iov_len;
        }
    }
    return text;
}

std::string some_text(size_t bytes, char first = 'a') {
    std::string text(bytes, ' ');
    for (size_t i = 0; i < bytes; ++i) {
        text[i] = static_cast<char>(first + static_cast<char>(i % 23));
    }
    return text;
}

TEST(BlockChain, AnEmptyOneHasNothingToSend) {
    BlockChain chain;
    std::array<iovec, 4> parts;
    EXPECT_EQ(chain.fill_iovec(parts), 0U);
    EXPECT_TRUE(chain.empty());
    static_cast<void>(chain.reserve(100));  // nothing committed
    EXPECT_EQ(chain.fill_iovec(parts), 0U);
    chain.for_each([](std::string_view) { ADD_FAILURE() << "an empty piece"; });
    chain.append("");
    EXPECT_TRUE(chain.empty());
}

TEST(BlockChain, AppendsAcrossBlocks) {
    const std::string text = some_text(BlockChain::block_bytes * 3 + 17);
    BlockChain chain;
    chain.append(text);
    EXPECT_EQ(chain.size(), text.size());
    EXPECT_EQ(chain.to_string(), text);
    BlockChain by_byte;
    for (char byte : text) {
        by_byte.append(byte);
    }
    EXPECT_EQ(by_byte.to_string(), text);
}

TEST(BlockChain, AHeadGoesBeforeTheBodyWithoutANewBlock) {
    BlockChain chain;
    chain.append("body");
    chain.prepend("head ");
    EXPECT_EQ(chain.to_string(), "head body");
    std::array<iovec, 4> parts;
    EXPECT_EQ(chain.fill_iovec(parts), 1U);
}

TEST(BlockChain, PrependWorksOnAnEmptyChain) {
    BlockChain chain;
    chain.prepend("head");
    chain.append("body");
    chain.prepend("");
    EXPECT_EQ(chain.to_string(), "headbody");
}

TEST(BlockChain, AHeadLargerThanTheHeadroomGetsBlocksOfItsOwn) {
    const std::string head = some_text(BlockChain::block_bytes * 2 + 100, 'A');
    BlockChain chain;
    chain.append("body");
    chain.prepend(head);
    chain.prepend("first ");
    EXPECT_EQ(chain.to_string(), "first " + head + "body");
}

TEST(BlockChain, ReserveGivesContiguousRoomAndLosesNothing) {
    BlockChain chain;
    std::string expected;
    for (size_t bytes : {size_t{1}, size_t{5000}, BlockChain::reserve_bytes_max, size_t{3},
                         BlockChain::reserve_bytes_max}) {
        char* room = chain.reserve(bytes);
        EXPECT_GE(chain.room(), bytes);
        const std::string piece = some_text(bytes, 'k');
        std::copy(piece.begin(), piece.end(), room);
        chain.commit(bytes);
        expected += piece;
    }
    EXPECT_EQ(chain.to_string(), expected);
}

TEST(BlockChain, AppendChainCopiesTheSmallAndLinksTheLarge) {
    BlockChain chain;
    chain.append("one ");
    BlockChain small;
    small.append("two ");
    chain.append_chain(std::move(small));
    std::array<iovec, 8> parts;
    EXPECT_EQ(chain.fill_iovec(parts), 1U);

    const std::string text = some_text(BlockChain::copy_bytes_max + 1);
    BlockChain large;
    large.append(text);
    chain.append_chain(std::move(large));
    EXPECT_EQ(chain.fill_iovec(parts), 2U);
    chain.append(" three");
    EXPECT_EQ(chain.to_string(), "one two " + text + " three");
    EXPECT_EQ(chain.size(), chain.to_string().size());
}

// NOLINTBEGIN(bugprone-use-after-move): what is left of a chain is part of its contract.
TEST(BlockChain, AppendChainLeavesTheOtherEmptyAndUsable) {
    BlockChain chain;
    BlockChain other;
    other.append("abc");
    chain.append_chain(std::move(other));  // takes it over
    EXPECT_TRUE(other.empty());
    other.append("def");
    chain.append_chain(std::move(other));
    EXPECT_TRUE(other.empty());
    chain.append_chain(std::move(other));  // nothing
    BlockChain reserved;
    static_cast<void>(reserved.reserve(10));
    chain.append_chain(std::move(reserved));  // a block without a byte
    chain.append("ghi");
    EXPECT_EQ(chain.to_string(), "abcdefghi");
}

TEST(BlockChain, MovedFromIsEmptyAndUsable) {
    BlockChain chain;
    chain.append("abc");
    BlockChain target(std::move(chain));
    EXPECT_TRUE(chain.empty());
    chain.append("new");
    EXPECT_EQ(chain.to_string(), "new");
    target.append("def");
    chain = std::move(target);
    EXPECT_EQ(chain.to_string(), "abcdef");
    BlockChain& same = chain;
    chain = std::move(same);
    EXPECT_EQ(chain.to_string(), "abcdef");
}
// NOLINTEND(bugprone-use-after-move)

TEST(BlockChain, FillIovecResumesAtAnyOffset) {
    const std::string text = some_text(BlockChain::block_bytes * 2 + 999);
    BlockChain chain;
    chain.append(text);
    for (size_t offset : {size_t{0}, size_t{1}, BlockChain::block_bytes - 512,
                          BlockChain::block_bytes - 511, text.size() - 1, text.size()}) {
        EXPECT_EQ(gather(chain, offset, 1), text.substr(offset));
        EXPECT_EQ(gather(chain, offset, 64), text.substr(offset));
    }
    EXPECT_EQ(chain.fill_iovec({}), 0U);
}

TEST(BlockChain, ConsumeDropsWhatWasSentAndFreesItsBlocks) {
    const std::string text = some_text(BlockChain::block_bytes * 3);
    BlockChain chain;
    chain.append(text);
    chain.consume(1);
    chain.consume(BlockChain::block_bytes + 7);
    EXPECT_EQ(chain.to_string(), text.substr(BlockChain::block_bytes + 8));
    chain.consume(chain.size());
    EXPECT_TRUE(chain.empty());
    chain.append("again");
    EXPECT_EQ(chain.to_string(), "again");
}

TEST(BlockChain, AStreamThatIsConsumedStaysInOneBlock) {
    if (address_sanitizer) GTEST_SKIP() << "nothing is kept under AddressSanitizer";
    BlockChain chain;
    chain.append("x");
    chain.consume(1);
    const size_t mallocs = block_pool::mallocs();
    const size_t kept = block_pool::kept();
    for (int i = 0; i < 1000; ++i) {
        chain.append(some_text(1000));
        chain.consume(1000);
    }
    EXPECT_EQ(block_pool::mallocs(), mallocs);
    EXPECT_EQ(block_pool::kept(), kept);
}

TEST(BlockChain, AgreesWithAStringUnderRandomOperations) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
        std::mt19937_64 random(seed);
        BlockChain chain;
        std::string model;
        for (int step = 0; step < 400; ++step) {
            const size_t bytes = random() % 8 == 0 ? random() % 40'000 : random() % 600;
            const std::string piece = some_text(bytes, static_cast<char>('a' + random() % 3));
            switch (random() % 5) {
                case 0:
                    chain.append(piece);
                    model += piece;
                    break;
                case 1:
                    chain.prepend(piece);
                    model.insert(0, piece);
                    break;
                case 2: {
                    BlockChain other;
                    other.append(piece);
                    if (random() % 2 == 0) other.prepend("h");
                    model += other.to_string();
                    chain.append_chain(std::move(other));
                    break;
                }
                case 3: {
                    const size_t used = std::min(bytes, BlockChain::reserve_bytes_max);
                    std::copy_n(piece.begin(), used, chain.reserve(used));
                    chain.commit(used);
                    model += piece.substr(0, used);
                    break;
                }
                default: {
                    const size_t sent = std::min(bytes * 2, chain.size());
                    chain.consume(sent);
                    model.erase(0, sent);
                }
            }
            ASSERT_EQ(chain.size(), model.size());
        }
        ASSERT_EQ(chain.to_string(), model);
        ASSERT_EQ(gather(chain, model.size() / 3, 3), model.substr(model.size() / 3));
    }
}

TEST(BlockChainDeathTest, AbortsWhenMoreIsConsumedThanThereIs) {
    BlockChain chain;
    chain.append("abc");
    EXPECT_DEATH(chain.consume(4), "bytes <= size_");
}

}  // namespace
}  // namespace fluxgate::loop
