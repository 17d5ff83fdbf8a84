// SPDX-License-Identifier: Apache-2.0

#include "cli/base/arg_parser.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

// Levenshtein's, with two rows.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> previous(b.size() + 1), current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = previous[j - 1] + (a[i - 1] != b[j - 1]);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, substitute});
    }
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace

std::string Nearest(absl::string_view word,
                    const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const bool is_prefix =
        word.size() >= 2 && absl::StartsWith(candidate, word);
    const size_t distance = is_prefix ? 1 : EditDistance(word, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

void ArgParser::Flag(std::string name, char short_name, bool* out) {
  options_.push_back(
      {std::move(name), short_name, false, [out](absl::string_view) {
         *out = true;
         return absl::OkStatus();
       }});
}

void ArgParser::Value(std::string name, char short_name, std::string* out) {
  Custom(std::move(name), short_name, [out](absl::string_view value) {
    *out = std::string(value);
    return absl::OkStatus();
  });
}

void ArgParser::Choice(std::string name, std::vector<std::string> choices,
                       std::string* out) {
  const std::string shown = "--" + name;
  Custom(
      std::move(name), 0,
      [out, shown,
       choices = std::move(choices)](absl::string_view value) -> absl::Status {
        if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
          return absl::InvalidArgumentError(
              absl::StrCat(shown, "=", value, ": must be one of ",
                           absl::StrJoin(choices, ", ")));
        }
        *out = std::string(value);
        return absl::OkStatus();
      });
}

void ArgParser::Custom(std::string name, char short_name,
                       std::function<absl::Status(absl::string_view)> parse) {
  options_.push_back({std::move(name), short_name, true, std::move(parse)});
}

absl::StatusOr<const ArgParser::Option*> ArgParser::Find(
    absl::string_view arg) const {
  const bool is_long = absl::StartsWith(arg, "--");
  std::vector<std::string> names;
  for (const Option& option : options_) {
    if (is_long ? arg.substr(2) == option.name
                : arg.size() == 2 && arg[1] == option.short_name) {
      return &option;
    }
    names.push_back("--" + option.name);
  }
  const std::string nearest = Nearest(arg, names);
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown option ", arg, nearest.empty() ? "" : "; did you mean ", nearest,
      nearest.empty() ? "" : "?"));
}

absl::Status ArgParser::ParseOption(const std::vector<std::string>& args,
                                    size_t* at) {
  const absl::string_view arg = args[(*at)++];
  const size_t equals =
      absl::StartsWith(arg, "--") ? arg.find('=') : absl::string_view::npos;
  const absl::string_view name = arg.substr(0, equals);
  CRVM_ASSIGN_OR_RETURN(const Option* option, Find(name));
  if (equals != absl::string_view::npos) {
    if (!option->takes_value) {
      return absl::InvalidArgumentError(
          absl::StrCat("option ", name, " takes no value"));
    }
    return option->apply(arg.substr(equals + 1));
  }
  if (!option->takes_value) return option->apply("");
  if (*at == args.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("option ", name, " needs a value"));
  }
  return option->apply(args[(*at)++]);
}

absl::StatusOr<std::vector<std::string>> ArgParser::Parse(
    const std::vector<std::string>& args) {
  std::vector<std::string> operands;
  size_t at = 0;
  while (at < args.size()) {
    const std::string& arg = args[at];
    if (arg == "--") {
      operands.insert(operands.end(), args.begin() + at + 1, args.end());
      return operands;
    }
    if (arg.size() > 1 && arg[0] == '-') {
      CRVM_RETURN_IF_ERROR(ParseOption(args, &at));
      continue;
    }
    if (stop_at_operand_) {
      operands.assign(args.begin() + at, args.end());
      return operands;
    }
    operands.push_back(arg);
    ++at;
  }
  return operands;
}

}  // namespace crvm
