// SPDX-License-Identifier: Apache-2.0
//
// Intrusive reference counting, and owning pointers for objects that may fail
// to be allocated. Counts are plain integers: kernel data is only touched under
// the big kernel lock.
#ifndef CRVM_GUESTKERNEL_LIB_REF_PTR_H_
#define CRVM_GUESTKERNEL_LIB_REF_PTR_H_

#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "guestkernel/lib/panic.h"

namespace gk {

// Base of counted objects. A new object has count 1, adopted by the first
// RefPtr (MakeRef does it).
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;
  void AddRef() const { ++count_; }
  // Deletes the object when the last reference goes.
  void Release() const {
    GK_ASSERT(count_ > 0);
    if (--count_ == 0) delete this;
  }
  uint32_t ref_count() const { return count_; }

 protected:
  virtual ~RefCounted() = default;

 private:
  mutable uint32_t count_ = 1;
};

struct AdoptRef {};

template <typename T>
class RefPtr {
 public:
  RefPtr() = default;
  RefPtr(std::nullptr_t) {}  // NOLINT: implicit by design
  explicit RefPtr(T* object) : object_(object) {
    if (object_) object_->AddRef();
  }
  RefPtr(T* object, AdoptRef) : object_(object) {}
  RefPtr(const RefPtr& other) : RefPtr(other.object_) {}
  RefPtr(RefPtr&& other) noexcept
      : object_(std::exchange(other.object_, nullptr)) {}
  template <typename U>
  requires std::is_convertible_v<U*, T*> RefPtr(const RefPtr<U>& other)
      : RefPtr(other.get()) {}  // NOLINT
  template <typename U>
  requires std::is_convertible_v<U*, T*> RefPtr(RefPtr<U>&& other)
      : object_(other.leak()) {}  // NOLINT
  ~RefPtr() {
    if (object_) object_->Release();
  }
  RefPtr& operator=(RefPtr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  // Gives up the reference without dropping it.
  T* leak() { return std::exchange(object_, nullptr); }
  void reset() { *this = RefPtr(); }
  friend bool operator==(const RefPtr& a, const RefPtr& b) {
    return a.object_ == b.object_;
  }
  friend bool operator==(const RefPtr& a, const T* b) { return a.object_ == b; }

 private:
  T* object_ = nullptr;
};

// Null when out of memory.
template <typename T, typename... Args>
RefPtr<T> MakeRef(Args&&... args) {
  return RefPtr<T>(new (std::nothrow) T(std::forward<Args>(args)...),
                   AdoptRef{});
}

template <typename T, typename U>
RefPtr<T> StaticCast(const RefPtr<U>& p) {
  return RefPtr<T>(static_cast<T*>(p.get()));
}

template <typename T>
class UniquePtr {
 public:
  UniquePtr() = default;
  UniquePtr(std::nullptr_t) {}  // NOLINT: implicit by design
  explicit UniquePtr(T* object) : object_(object) {}
  UniquePtr(UniquePtr&& other) noexcept
      : object_(std::exchange(other.object_, nullptr)) {}
  template <typename U>
  requires std::is_convertible_v<U*, T*> UniquePtr(UniquePtr<U>&& other)
      : object_(other.release()) {}  // NOLINT
  ~UniquePtr() { delete object_; }
  UniquePtr& operator=(UniquePtr&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  T* release() { return std::exchange(object_, nullptr); }
  void reset() { *this = UniquePtr(); }

 private:
  T* object_ = nullptr;
};

// Null when out of memory.
template <typename T, typename... Args>
UniquePtr<T> MakeUnique(Args&&... args) {
  return UniquePtr<T>(new (std::nothrow) T(std::forward<Args>(args)...));
}

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_LIB_REF_PTR_H_
