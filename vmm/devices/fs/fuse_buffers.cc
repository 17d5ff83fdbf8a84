// SPDX-License-Identifier: Apache-2.0
//
// See fuse_buffers.h.

#include "vmm/devices/fs/fuse_buffers.h"

#include <errno.h>

#include <algorithm>
#include <cstring>

namespace crvm {

RequestReader::RequestReader(RequestSpans spans) : spans_(spans) {
  for (const auto& span : spans) remaining_ += span.size();
}

size_t RequestReader::Peek(void* out, size_t size) const {
  size = std::min(size, remaining_);
  size_t done = 0;
  size_t offset = offset_;
  for (size_t i = span_; done < size; ++i, offset = 0) {
    size_t piece = std::min(size - done, spans_[i].size() - offset);
    if (piece == 0) continue;
    std::memcpy(static_cast<uint8_t*>(out) + done, spans_[i].data() + offset,
                piece);
    done += piece;
  }
  return done;
}

void RequestReader::Skip(size_t size) {
  remaining_ -= size;
  while (size > 0) {
    size_t piece = std::min(size, spans_[span_].size() - offset_);
    offset_ += piece;
    size -= piece;
    if (offset_ == spans_[span_].size() && size > 0) {
      ++span_;
      offset_ = 0;
    }
  }
}

bool RequestReader::Read(void* out, size_t size) {
  if (size > remaining_) return false;
  Peek(out, size);
  Skip(size);
  return true;
}

int RequestReader::ReadString(char* text, size_t max, size_t* length) {
  size_t got = Peek(text, max + 1);
  const void* end = std::memchr(text, 0, got);
  if (end == nullptr) return got > max ? -ENAMETOOLONG : -EINVAL;
  *length = static_cast<size_t>(static_cast<const char*>(end) - text);
  Skip(*length + 1);
  return 0;
}

void RequestReader::Take(size_t size, IovecList* list) {
  size = std::min(size, remaining_);
  list->count = 0;
  list->bytes = 0;
  size_t offset = offset_;
  for (size_t i = span_; list->bytes < size && list->count < IovecList::kMax;
       ++i, offset = 0) {
    size_t piece = std::min(size - list->bytes, spans_[i].size() - offset);
    if (piece == 0) continue;
    // pwritev only reads.
    list->items[list->count++] = {
        const_cast<uint8_t*>(spans_[i].data() + offset), piece};
    list->bytes += piece;
  }
  Skip(list->bytes);
}

ReplyWriter::ReplyWriter(ReplySpans spans) : spans_(spans) {
  for (const auto& span : spans) capacity_ += span.size();
}

bool ReplyWriter::Put(size_t offset, const void* data, size_t size) {
  if (offset > capacity_ || size > capacity_ - offset) return false;
  size_t done = 0;
  for (size_t i = 0; done < size; ++i) {
    if (offset >= spans_[i].size()) {
      offset -= spans_[i].size();
      continue;
    }
    size_t piece = std::min(size - done, spans_[i].size() - offset);
    std::memcpy(spans_[i].data() + offset,
                static_cast<const uint8_t*>(data) + done, piece);
    done += piece;
    offset = 0;
  }
  return true;
}

bool ReplyWriter::Append(const void* data, size_t size) {
  if (!Put(end_, data, size)) return false;
  end_ += size;
  return true;
}

void ReplyWriter::Map(size_t offset, size_t size, IovecList* list) const {
  list->count = 0;
  list->bytes = 0;
  if (offset > capacity_) return;
  size = std::min(size, capacity_ - offset);
  for (size_t i = 0; list->bytes < size && list->count < IovecList::kMax; ++i) {
    if (offset >= spans_[i].size()) {
      offset -= spans_[i].size();
      continue;
    }
    size_t piece = std::min(size - list->bytes, spans_[i].size() - offset);
    list->items[list->count++] = {spans_[i].data() + offset, piece};
    list->bytes += piece;
    offset = 0;
  }
}

}  // namespace crvm
