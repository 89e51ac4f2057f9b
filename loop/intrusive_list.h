// A doubly linked list whose links live in the elements: no allocation, O(1) removal by the
// element.
//
// An element derives from ListNode<Tag> (one Tag for each list it can be on at the same time), is
// on at most one list per Tag, and unlinks itself when it dies. A list must be empty when it dies.
// Not thread-safe.
#pragma once

#include <cstddef>

#include "loop/check.h"

namespace fluxgate::loop {

template <class T, class Tag>
class IntrusiveList;

template <class Tag = void>
class ListNode {
public:
    ListNode() = default;
    ~ListNode() { unlink(); }
    ListNode(const ListNode&) = delete;
    ListNode& operator=(const ListNode&) = delete;

    [[nodiscard]] bool is_linked() const { return next_ != nullptr; }
    void unlink() {
        if (next_ == nullptr) return;
        previous_->next_ = next_;
        next_->previous_ = previous_;
        next_ = nullptr;
        previous_ = nullptr;
    }

private:
    template <class T, class U>
    friend class IntrusiveList;
    ListNode* next_ = nullptr;  // null exactly while not on a list
    ListNode* previous_ = nullptr;
};

template <class T, class Tag = void>
class IntrusiveList {
public:
    IntrusiveList() {
        head_.next_ = &head_;
        head_.previous_ = &head_;
    }
    ~IntrusiveList() {
        FLUX_CHECK(empty());
        head_.next_ = nullptr;
        head_.previous_ = nullptr;
    }
    IntrusiveList(const IntrusiveList&) = delete;
    IntrusiveList& operator=(const IntrusiveList&) = delete;

    [[nodiscard]] bool empty() const { return head_.next_ == &head_; }
    [[nodiscard]] T& front() {
        FLUX_DCHECK(!empty());
        return *static_cast<T*>(head_.next_);
    }

    void push_back(T& element) { insert_before(head_, element); }
    void push_front(T& element) { insert_before(*head_.next_, element); }
    // Null when empty. The element is unlinked.
    T* pop_front() {
        if (empty()) return nullptr;
        T* first = static_cast<T*>(head_.next_);
        static_cast<ListNode<Tag>*>(first)->unlink();
        return first;
    }
    // Moves all elements of `other` to the end of this list. O(1).
    void splice_back(IntrusiveList& other) {
        if (other.empty() || this == &other) return;
        ListNode<Tag>* first = other.head_.next_;
        ListNode<Tag>* last = other.head_.previous_;
        other.head_.next_ = &other.head_;
        other.head_.previous_ = &other.head_;
        first->previous_ = head_.previous_;
        head_.previous_->next_ = first;
        last->next_ = &head_;
        head_.previous_ = last;
    }
    // Calls `visit(T&)` for each; `visit` may unlink the element it is given, and no other.
    template <class Visit>
    void for_each(Visit visit) {
        for (ListNode<Tag>* node = head_.next_; node != &head_;) {
            ListNode<Tag>* after = node->next_;
            visit(*static_cast<T*>(node));
            node = after;
        }
    }

private:
    void insert_before(ListNode<Tag>& at, T& element) {
        ListNode<Tag>& node = element;
        FLUX_CHECK(!node.is_linked());  // else two lists would share its links
        node.next_ = &at;
        node.previous_ = at.previous_;
        at.previous_->next_ = &node;
        at.previous_ = &node;
    }

    ListNode<Tag> head_;
};

}  // namespace fluxgate::loop
