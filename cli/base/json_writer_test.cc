// SPDX-License-Identifier: Apache-2.0

#include "cli/base/json_writer.h"

#include "gtest/gtest.h"

namespace crvm {
namespace {

std::string Quoted(absl::string_view text) {
  JsonWriter json;
  json.String(text);
  return json.text();
}

TEST(JsonWriterTest, Nested) {
  JsonWriter json;
  json.BeginObject();
  json.Key("a").Number(1);
  json.Key("b").BeginArray();
  json.String("x");
  json.Bool(true);
  json.Null();
  json.EndArray();
  json.Key("empty").BeginObject();
  json.EndObject();
  json.EndObject();
  EXPECT_EQ(json.text(),
            "{\n  \"a\": 1,\n  \"b\": [\n    \"x\",\n    true,\n    null\n"
            "  ],\n  \"empty\": {}\n}\n");
}

TEST(JsonWriterTest, Escapes) {
  EXPECT_EQ(Quoted("a\"b\\c\n\x01\x7f"),
            "\"a\\\"b\\\\c\\u000a\\u0001\\u007f\"\n");
  EXPECT_EQ(Quoted("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"),
            "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"\n");
}

TEST(JsonWriterTest, InvalidUtf8IsReplaced) {
  EXPECT_EQ(Quoted("a\xff"
                   "b"),
            "\"a\\ufffdb\"\n");
  EXPECT_EQ(Quoted("\xc3"), "\"\\ufffd\"\n");
  EXPECT_EQ(Quoted("\xed\xa0\x80"),
            "\"\\ufffd\\ufffd\\ufffd\"\n");               // surrogate
  EXPECT_EQ(Quoted("\xc0\xaf"), "\"\\ufffd\\ufffd\"\n");  // overlong
}

}  // namespace
}  // namespace crvm
