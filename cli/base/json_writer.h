// SPDX-License-Identifier: Apache-2.0
//
// Writes JSON (RFC 8259) for the --json of ps, list and check.
//
//   JsonWriter json;
//   json.BeginObject();
//   json.Key("name").String(name);
//   json.Key("args").BeginArray(); ... json.EndArray();
//   json.EndObject();
//   json.text();

#ifndef CRVM_CLI_BASE_JSON_WRITER_H_
#define CRVM_CLI_BASE_JSON_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace crvm {

class JsonWriter {
 public:
  void BeginObject() { Open('{'); }
  void EndObject() { Close('}'); }
  void BeginArray() { Open('['); }
  void EndArray() { Close(']'); }
  JsonWriter& Key(absl::string_view name);
  // Bytes that are not UTF-8 become U+FFFD.
  void String(absl::string_view value);
  void Number(uint64_t value);
  void Bool(bool value);
  void Null();

  // Indented, with a newline at the end.
  std::string text() const { return out_ + "\n"; }

 private:
  void Open(char bracket);
  void Close(char bracket);
  // Comma, newline and indentation before a value or key.
  void Separate();
  void NewLine();
  void Quote(absl::string_view value);

  std::string out_;
  std::vector<bool> has_items_;  // one for each open bracket
  bool after_key_ = false;
};

}  // namespace crvm

#endif  // CRVM_CLI_BASE_JSON_WRITER_H_
