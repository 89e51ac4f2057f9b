#include "loop/intrusive_list.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace fluxgate::loop {
namespace {

struct FirstTag;
struct SecondTag;
struct Item : ListNode<FirstTag>, ListNode<SecondTag> {
    explicit Item(int value) : number(value) {}
    int number;
};
using FirstList = IntrusiveList<Item, FirstTag>;
using SecondList = IntrusiveList<Item, SecondTag>;

std::vector<int> numbers(FirstList& list) {
    std::vector<int> seen;
    list.for_each([&seen](Item& item) { seen.push_back(item.number); });
    return seen;
}

TEST(IntrusiveList, KeepsTheOrderOfBothEnds) {
    Item one(1);
    Item two(2);
    Item three(3);
    FirstList list;
    list.push_back(two);
    list.push_back(three);
    list.push_front(one);
    EXPECT_EQ(numbers(list), (std::vector{1, 2, 3}));
    EXPECT_EQ(list.pop_front(), &one);
    EXPECT_EQ(&list.front(), &two);
    two.ListNode<FirstTag>::unlink();
    three.ListNode<FirstTag>::unlink();
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(list.pop_front(), nullptr);
}

TEST(IntrusiveList, AnElementThatDiesLeavesTheListWhole) {
    FirstList list;
    Item first(1);
    Item last(3);
    {
        Item middle(2);
        list.push_back(first);
        list.push_back(middle);
        list.push_back(last);
    }
    EXPECT_EQ(numbers(list), (std::vector{1, 3}));
    while (list.pop_front() != nullptr) {
    }
}

TEST(IntrusiveList, AnElementIsOnOneListForEachTag) {
    Item item(1);
    FirstList first;
    SecondList second;
    first.push_back(item);
    second.push_back(item);
    EXPECT_EQ(first.pop_front(), &item);
    EXPECT_FALSE(second.empty());
    EXPECT_TRUE(item.ListNode<SecondTag>::is_linked());
    EXPECT_EQ(second.pop_front(), &item);
}

TEST(IntrusiveList, UnlinkTwiceDoesNothing) {
    Item item(1);
    FirstList list;
    list.push_back(item);
    item.ListNode<FirstTag>::unlink();
    item.ListNode<FirstTag>::unlink();
    EXPECT_TRUE(list.empty());
}

TEST(IntrusiveList, ForEachAllowsTheVisitedElementToBeFreed) {
    FirstList list;
    std::vector<std::unique_ptr<Item>> owner;
    for (int i = 0; i < 5; ++i) {
        owner.push_back(std::make_unique<Item>(i));
        list.push_back(*owner.back());
    }
    list.for_each([&owner](Item& item) {
        if (item.number % 2 == 0) owner[static_cast<size_t>(item.number)].reset();
    });
    EXPECT_EQ(numbers(list), (std::vector{1, 3}));
    owner.clear();
    EXPECT_TRUE(list.empty());
}

TEST(IntrusiveList, SpliceMovesAllAndLeavesTheOtherUsable) {
    Item one(1);
    Item two(2);
    Item three(3);
    FirstList target;
    FirstList source;
    target.push_back(one);
    source.push_back(two);
    source.push_back(three);
    target.splice_back(source);
    EXPECT_EQ(numbers(target), (std::vector{1, 2, 3}));
    EXPECT_TRUE(source.empty());
    target.splice_back(source);  // nothing
    target.splice_back(target);  // nothing
    EXPECT_EQ(target.pop_front(), &one);
    source.push_back(one);
    EXPECT_EQ(numbers(source), std::vector{1});
    source.pop_front();
    while (target.pop_front() != nullptr) {
    }
}

TEST(IntrusiveListDeathTest, AbortsOnAnElementThatIsOnAListAlready) {
    Item item(1);
    FirstList list;
    list.push_back(item);
    EXPECT_DEATH(list.push_back(item), "is_linked");
    list.pop_front();
}

TEST(IntrusiveListDeathTest, AbortsWhenAListDiesBeforeItsElements) {
    Item item(1);
    EXPECT_DEATH(
        {
            FirstList list;
            list.push_back(item);
        },
        "empty");
}

}  // namespace
}  // namespace fluxgate::loop
