// SPDX-License-Identifier: Apache-2.0
//
// Doubly linked list of objects that carry their own links. Owns nothing. An
// object may be in several lists by having several links:
// `IntrusiveList<Thread, &Thread::run_link>`.
#ifndef CRVM_GUESTKERNEL_LIB_INTRUSIVE_LIST_H_
#define CRVM_GUESTKERNEL_LIB_INTRUSIVE_LIST_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/lib/panic.h"

namespace gk {

// Unlinks itself when destroyed. Not copyable: its address is in its
// neighbours.
struct ListLink {
  ListLink* next = nullptr;
  ListLink* previous = nullptr;
  ListLink() = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;
  ~ListLink() { Unlink(); }
  bool linked() const { return next != nullptr; }
  // No-op when not in a list.
  void Unlink() {
    if (!next) return;
    next->previous = previous;
    previous->next = next;
    next = previous = nullptr;
  }
};

template <typename T, ListLink T::*kLink>
class IntrusiveList {
 public:
  IntrusiveList() { head_.next = head_.previous = &head_; }
  ~IntrusiveList() {
    while (!empty()) head_.next->Unlink();
    head_.next = nullptr;  // so that the head's own destructor does nothing
  }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool empty() const { return head_.next == &head_; }
  void PushBack(T* object) { InsertBefore(&head_, &(object->*kLink)); }
  void PushFront(T* object) { InsertBefore(head_.next, &(object->*kLink)); }
  // Before `position`, which is in this list.
  void InsertBefore(T* position, T* object) {
    InsertBefore(&(position->*kLink), &(object->*kLink));
  }
  T* front() const { return empty() ? nullptr : Object(head_.next); }
  T* back() const { return empty() ? nullptr : Object(head_.previous); }
  T* PopFront() {
    T* object = front();
    if (object) (object->*kLink).Unlink();
    return object;
  }
  // Null at the end.
  T* Next(const T* object) const {
    ListLink* next = (object->*kLink).next;
    return next == &head_ ? nullptr : Object(next);
  }
  static void Remove(T* object) { (object->*kLink).Unlink(); }
  size_t CountSlow() const {
    size_t n = 0;
    for (ListLink* l = head_.next; l != &head_; l = l->next) ++n;
    return n;
  }

  // Range-for that tolerates removal of the element being visited (not of its
  // successor).
  class Iterator {
   public:
    Iterator(ListLink* at, const ListLink*) : at_(at), next_(at->next) {}
    T& operator*() const { return *Object(at_); }
    Iterator& operator++() {
      at_ = next_;
      next_ = at_->next;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    ListLink* at_;
    ListLink* next_;
  };
  Iterator begin() const { return Iterator(head_.next, &head_); }
  Iterator end() const {
    return Iterator(const_cast<ListLink*>(&head_), &head_);
  }

 private:
  static T* Object(ListLink* link) {
    // The usual container_of, with the offset taken from a member pointer.
    alignas(T) static char probe[1];
    T* base = reinterpret_cast<T*>(probe);
    ptrdiff_t offset = reinterpret_cast<char*>(&(base->*kLink)) -
                       reinterpret_cast<char*>(base);
    return reinterpret_cast<T*>(reinterpret_cast<char*>(link) - offset);
  }
  static void InsertBefore(ListLink* position, ListLink* link) {
    GK_ASSERT(!link->linked());
    link->next = position;
    link->previous = position->previous;
    position->previous->next = link;
    position->previous = link;
  }
  ListLink head_;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_LIB_INTRUSIVE_LIST_H_
