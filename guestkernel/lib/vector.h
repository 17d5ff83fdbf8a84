// SPDX-License-Identifier: Apache-2.0
//
// Growable array whose growth may fail. Elements are moved on growth.
#ifndef CRVM_GUESTKERNEL_LIB_VECTOR_H_
#define CRVM_GUESTKERNEL_LIB_VECTOR_H_

#include <cstddef>
#include <new>
#include <utility>

#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/heap.h"
#include "guestkernel/lib/panic.h"

namespace gk {

template <typename T>
class Vector {
 public:
  Vector() = default;
  Vector(const Vector&) = delete;
  Vector& operator=(const Vector&) = delete;
  Vector(Vector&& other) noexcept { Swap(other); }
  Vector& operator=(Vector&& other) noexcept {
    Vector moved(std::move(other));
    Swap(moved);
    return *this;
  }
  ~Vector() {
    clear();
    HeapFree(data_);
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t i) {
    GK_ASSERT(i < size_);
    return data_[i];
  }
  const T& operator[](size_t i) const {
    GK_ASSERT(i < size_);
    return data_[i];
  }
  T& back() { return (*this)[size_ - 1]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

  // 0 or -ENOMEM; on failure nothing changes.
  [[nodiscard]] int Reserve(size_t capacity) {
    if (capacity <= capacity_) return 0;
    size_t grown = capacity_ * 2 > capacity ? capacity_ * 2 : capacity;
    T* data = static_cast<T*>(HeapAllocate(grown * sizeof(T)));
    if (!data) return -ENOMEM;
    for (size_t i = 0; i < size_; ++i) {
      new (&data[i]) T(std::move(data_[i]));
      data_[i].~T();
    }
    HeapFree(data_);
    data_ = data;
    capacity_ = grown;
    return 0;
  }
  [[nodiscard]] int PushBack(T value) {
    if (int error = Reserve(size_ + 1)) return error;
    new (&data_[size_++]) T(std::move(value));
    return 0;
  }
  // New elements are value-initialized.
  [[nodiscard]] int Resize(size_t size) {
    if (int error = Reserve(size)) return error;
    while (size_ > size) data_[--size_].~T();
    while (size_ < size) new (&data_[size_++]) T();
    return 0;
  }
  // Shifts the elements from `index` on by one.
  [[nodiscard]] int Insert(size_t index, T value) {
    GK_ASSERT(index <= size_);
    if (int error = PushBack(std::move(value))) return error;
    for (size_t i = size_ - 1; i > index; --i)
      std::swap(data_[i], data_[i - 1]);
    return 0;
  }
  void RemoveAt(size_t index) {
    GK_ASSERT(index < size_);
    for (size_t i = index; i + 1 < size_; ++i)
      data_[i] = std::move(data_[i + 1]);
    PopBack();
  }
  void PopBack() {
    GK_ASSERT(size_ > 0);
    data_[--size_].~T();
  }
  void clear() {
    while (size_ > 0) PopBack();
  }
  void Swap(Vector& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_LIB_VECTOR_H_
