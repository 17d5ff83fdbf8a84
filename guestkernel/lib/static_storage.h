// SPDX-License-Identifier: Apache-2.0
//
// A static object without static construction or destruction: nobody runs
// constructors before KernelMain. Construct() makes it, from an explicit
// FooInit(); once more makes it anew (tests).
#ifndef CRVM_GUESTKERNEL_LIB_STATIC_STORAGE_H_
#define CRVM_GUESTKERNEL_LIB_STATIC_STORAGE_H_

#include <new>
#include <utility>

namespace gk {

template <typename T>
class StaticStorage {
 public:
  template <typename... Args>
  T& Construct(Args&&... args) {
    if (constructed_) get().~T();
    constructed_ = true;
    return *new (bytes_) T(std::forward<Args>(args)...);
  }
  T& get() { return *std::launder(reinterpret_cast<T*>(bytes_)); }
  T& operator*() { return get(); }
  T* operator->() { return &get(); }

 private:
  alignas(T) unsigned char bytes_[sizeof(T)];
  bool constructed_;  // zero-initialized
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_LIB_STATIC_STORAGE_H_
