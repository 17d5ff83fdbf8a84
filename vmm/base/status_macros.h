// SPDX-License-Identifier: Apache-2.0
//
// Early return on error for functions that return absl::Status or
// absl::StatusOr<T>. Debian's Abseil has no such macros.

#ifndef CRVM_VMM_BASE_STATUS_MACROS_H_
#define CRVM_VMM_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// CRVM_RETURN_IF_ERROR(DoIt());
#define CRVM_RETURN_IF_ERROR(expr)              \
  do {                                          \
    ::absl::Status crvm_status_or_ok_ = (expr); \
    if (!crvm_status_or_ok_.ok()) {             \
      return crvm_status_or_ok_;                \
    }                                           \
  } while (false)

// CRVM_ASSIGN_OR_RETURN(uint32_t version, reader.U32());
// CRVM_ASSIGN_OR_RETURN(member_, Make());
// Two statements: it cannot be the body of an unbraced if. A left-hand side
// with a comma (std::pair<A, B> x) needs a type alias.
#define CRVM_ASSIGN_OR_RETURN(lhs, expr)                                    \
  CRVM_ASSIGN_OR_RETURN_IMPL_(CRVM_STATUS_CONCAT_(crvm_or_, __LINE__), lhs, \
                              expr)

#define CRVM_ASSIGN_OR_RETURN_IMPL_(statusor, lhs, expr) \
  auto statusor = (expr);                                \
  if (!statusor.ok()) {                                  \
    return std::move(statusor).status();                 \
  }                                                      \
  lhs = std::move(statusor).value()

#define CRVM_STATUS_CONCAT_IMPL_(a, b) a##b
#define CRVM_STATUS_CONCAT_(a, b) CRVM_STATUS_CONCAT_IMPL_(a, b)

#endif  // CRVM_VMM_BASE_STATUS_MACROS_H_
