// SPDX-License-Identifier: Apache-2.0
//
// Parses one verb's options, the way people know it: --flag, --option=VALUE or
// --option VALUE, short forms, `--` ends options. Unknown options are errors
// and name the nearest known one.
//
//   ArgParser parser;
//   parser.Flag("detach", 'd', &detach);
//   parser.Value("name", "NAME", &name);
//   parser.StopAtFirstOperand();   // the rest is another program's
//   CRVM_ASSIGN_OR_RETURN(auto operands, parser.Parse(args));

#ifndef CRVM_CLI_BASE_ARG_PARSER_H_
#define CRVM_CLI_BASE_ARG_PARSER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace crvm {

class ArgParser {
 public:
  // `short_name` is 0 for none.
  void Flag(std::string name, char short_name, bool* out);
  void Value(std::string name, char short_name, std::string* out);
  // One of `choices`.
  void Choice(std::string name, std::vector<std::string> choices,
              std::string* out);
  // Anything: `parse` gets the value.
  void Custom(std::string name, char short_name,
              std::function<absl::Status(absl::string_view)> parse);

  void StopAtFirstOperand() { stop_at_operand_ = true; }

  // Returns the operands. InvalidArgument for what does not fit.
  absl::StatusOr<std::vector<std::string>> Parse(
      const std::vector<std::string>& args);

 private:
  struct Option {
    std::string name;
    char short_name;
    bool takes_value;
    std::function<absl::Status(absl::string_view)> apply;
  };

  absl::StatusOr<const Option*> Find(absl::string_view arg) const;
  // Handles args[*at], which begins with '-'; moves *at past what it used.
  absl::Status ParseOption(const std::vector<std::string>& args, size_t* at);

  std::vector<Option> options_;
  bool stop_at_operand_ = false;
};

// The candidate that `word` was probably meant to be, or empty.
std::string Nearest(absl::string_view word,
                    const std::vector<std::string>& candidates);

}  // namespace crvm

#endif  // CRVM_CLI_BASE_ARG_PARSER_H_
