// SPDX-License-Identifier: Apache-2.0
//
// Error returns of the kernel: a negative errno, alone (int, int64_t) or in
// place of a value (Result<T>).
#ifndef CRVM_GUESTKERNEL_LIB_RESULT_H_
#define CRVM_GUESTKERNEL_LIB_RESULT_H_

#include <new>
#include <type_traits>
#include <utility>

#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/panic.h"

namespace gk {

// A negative errno on its way up. Converts to every return type that the kernel
// uses.
struct Error {
  int code;  // < 0
  constexpr explicit Error(int negative_errno) : code(negative_errno) {}
  constexpr operator int() const { return code; }  // NOLINT: implicit by design
};

// Holds a T or a negative errno.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(Error error) : error_(error.code) {
    GK_ASSERT(error.code < 0);
  }                                                // NOLINT: implicit by design
  Result(const T& value) : value_(value) {}        // NOLINT
  Result(T&& value) : value_(std::move(value)) {}  // NOLINT
  template <typename U>
  requires(std::is_convertible_v<U&&, T> &&
           !std::is_same_v<std::remove_cvref_t<U>, Result> &&
           !std::is_same_v<std::remove_cvref_t<U>, Error> &&
           !std::is_same_v<std::remove_cvref_t<U>, T>) Result(U&& value)
      : value_(std::forward<U>(value)) {}  // NOLINT
  Result(const Result& other) : error_(other.error_) {
    if (ok()) new (&value_) T(other.value_);
  }
  Result(Result&& other) : error_(other.error_) {
    if (ok()) new (&value_) T(std::move(other.value_));
  }
  Result& operator=(Result other) {
    this->~Result();
    new (this) Result(std::move(other));
    return *this;
  }
  ~Result() {
    if (ok()) value_.~T();
  }

  bool ok() const { return error_ == 0; }
  int error() const { return error_; }  // 0 when ok
  T& value() {
    GK_ASSERT(ok());
    return value_;
  }
  const T& value() const {
    GK_ASSERT(ok());
    return value_;
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  T take() { return std::move(value()); }

 private:
  int error_ = 0;
  union {
    T value_;
  };
};

namespace internal {
inline int ErrorOf(int status) { return status; }
template <typename T>
int ErrorOf(const Result<T>& result) {
  return result.error();
}
}  // namespace internal

// `expr` yields int (0 or negative errno) or Result.
#define GK_RETURN_IF_ERROR(expr)                                      \
  do {                                                                \
    if (int gk_error = ::gk::internal::ErrorOf(expr); gk_error < 0) { \
      return ::gk::Error(gk_error);                                   \
    }                                                                 \
  } while (false)

#define GK_CONCAT_INNER(a, b) a##b
#define GK_CONCAT(a, b) GK_CONCAT_INNER(a, b)
#define GK_ASSIGN_OR_RETURN(lhs, expr) \
  GK_ASSIGN_OR_RETURN_IMPL(GK_CONCAT(gk_result_, __LINE__), lhs, expr)
#define GK_ASSIGN_OR_RETURN_IMPL(result, lhs, expr)     \
  auto result = (expr);                                 \
  if (!result.ok()) return ::gk::Error(result.error()); \
  lhs = result.take()

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_LIB_RESULT_H_
