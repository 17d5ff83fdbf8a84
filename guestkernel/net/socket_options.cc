// SPDX-License-Identifier: Apache-2.0
//
// SOL_SOCKET options, socket(7).
#include <asm/errno.h>

#include "guestkernel/net/socket.h"
#include "guestkernel/sched/clock.h"
#include "guestkernel/sched/process.h"

namespace gk {
namespace {

constexpr int kSolSocket = 1;
enum OptionName : int {  // asm-generic/socket.h
  kSoReuseAddr = 2,
  kSoType = 3,
  kSoError = 4,
  kSoDontRoute = 5,
  kSoBroadcast = 6,
  kSoSndBuf = 7,
  kSoRcvBuf = 8,
  kSoKeepAlive = 9,
  kSoOobInline = 10,
  kSoPriority = 12,
  kSoLinger = 13,
  kSoReusePort = 15,
  kSoPassCred = 16,
  kSoPeerCred = 17,
  kSoRcvLowat = 18,
  kSoSndLowat = 19,
  kSoRcvTimeo = 20,
  kSoSndTimeo = 21,
  kSoAcceptConn = 30,
  kSoSndBufForce = 32,
  kSoRcvBufForce = 33,
  kSoProtocol = 38,
  kSoDomain = 39,
};
constexpr uint32_t kMinBuffer = 4608, kMaxBuffer = 425984;

struct Linger {
  int32_t on, seconds;
};
struct TimeVal {
  int64_t seconds, microseconds;
};

// As Linux: doubled for bookkeeping, and bounded.
uint32_t BufferSize(int32_t asked) {
  uint64_t doubled = asked < 0 ? kMaxBuffer : 2ull * asked;
  return doubled < kMinBuffer   ? kMinBuffer
         : doubled > kMaxBuffer ? kMaxBuffer
                                : static_cast<uint32_t>(doubled);
}

int ReadTimeout(UserAddress value, uint32_t length, uint64_t* ns) {
  if (length < sizeof(TimeVal)) return -EINVAL;
  GK_ASSIGN_OR_RETURN(TimeVal tv, ReadUser<TimeVal>(value));
  if (tv.microseconds < 0 || tv.microseconds >= 1000000) return -EDOM;
  if (tv.seconds < 0) tv = {};
  return ToNanoseconds(TimeSpec{tv.seconds, tv.microseconds * 1000}, ns);
}

// getsockopt: at most *length bytes, and the length back.
int64_t PutValue(UserAddress value, UserAddress length_at, const void* data,
                 uint32_t size) {
  GK_ASSIGN_OR_RETURN(int32_t room, ReadUser<int32_t>(length_at));
  if (room < 0) return -EINVAL;
  uint32_t n = static_cast<uint32_t>(room) < size ? room : size;
  GK_RETURN_IF_ERROR(CopyToUser(value, data, n));
  return WriteUser(length_at, n);
}

}  // namespace

int64_t Socket::SetOption(int level, int name, UserAddress value,
                          uint32_t length) {
  if (level != kSolSocket) return -ENOPROTOOPT;
  if (name == kSoRcvTimeo) {
    return ReadTimeout(value, length, &receive_timeout_ns_);
  }
  if (name == kSoSndTimeo) return ReadTimeout(value, length, &send_timeout_ns_);
  if (length < sizeof(int32_t)) return -EINVAL;
  GK_ASSIGN_OR_RETURN(int32_t number, ReadUser<int32_t>(value));
  switch (name) {
    case kSoReuseAddr:
      reuse_address_ = number != 0;
      return 0;
    case kSoKeepAlive:
      keep_alive_ = number != 0;
      return 0;
    case kSoBroadcast:
      broadcast_ = number != 0;
      return 0;
    case kSoPassCred:
      pass_credentials_ = number != 0;
      return 0;
    case kSoSndBuf:
    case kSoSndBufForce:
      send_buffer_ = BufferSize(number);
      return 0;
    case kSoRcvBuf:
    case kSoRcvBufForce:
      receive_buffer_ = BufferSize(number);
      return 0;
    case kSoLinger:  // closing never waits here: what was sent has arrived
    case kSoPriority:
    case kSoOobInline:
    case kSoDontRoute:
    case kSoReusePort:
    case kSoRcvLowat:
      return 0;
    default:
      return -ENOPROTOOPT;
  }
}

int64_t Socket::GetOption(int level, int name, UserAddress value,
                          UserAddress length) {
  if (level != kSolSocket) return -EOPNOTSUPP;
  auto put = [&](const auto& v) {
    return PutValue(value, length, &v, sizeof(v));
  };
  auto timeout = [&](uint64_t ns) {
    return put(TimeVal{static_cast<int64_t>(ns / 1000000000),
                       static_cast<int64_t>(ns % 1000000000 / 1000)});
  };
  switch (name) {
    case kSoReuseAddr:
      return put(int32_t{reuse_address_});
    case kSoKeepAlive:
      return put(int32_t{keep_alive_});
    case kSoBroadcast:
      return put(int32_t{broadcast_});
    case kSoPassCred:
      return put(int32_t{pass_credentials_});
    case kSoType:
      return put(int32_t{type_});
    case kSoDomain:
      return put(int32_t{family_});
    case kSoProtocol:
    case kSoPriority:
    case kSoOobInline:
    case kSoDontRoute:
    case kSoReusePort:
      return put(int32_t{0});
    case kSoRcvLowat:
    case kSoSndLowat:
      return put(int32_t{1});
    case kSoError: {
      int32_t error = error_;
      error_ = 0;
      return put(error);
    }
    case kSoSndBuf:
      return put(static_cast<int32_t>(send_buffer_));
    case kSoRcvBuf:
      return put(static_cast<int32_t>(receive_buffer_));
    case kSoLinger:
      return put(Linger{0, 0});
    case kSoRcvTimeo:
      return timeout(receive_timeout_ns_);
    case kSoSndTimeo:
      return timeout(send_timeout_ns_);
    case kSoAcceptConn:
      return put(int32_t{is_listening()});
    case kSoPeerCred:
      return put(PeerCredentials());
    default:
      return -ENOPROTOOPT;
  }
}

}  // namespace gk
