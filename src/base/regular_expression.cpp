#include "base/regular_expression.h"

#include <utility>

#include <re2/re2.h>

#include "base/text.h"

namespace reeve::base {
namespace {

/// For the program and the states that matching adds to it. Beyond it parse() refuses, and
/// matching takes RE2's slower way, which needs no states.
constexpr std::int64_t max_program_bytes = std::int64_t{1024} * 1024;

re2::RE2::Options options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(max_program_bytes);
  options.set_never_capture(true);
  return options;
}

bool is_literal(const std::string& text) {
  return text.find_first_of("^$\\.*+?()[]{}|") == std::string::npos && is_utf8(text);
}

}  // namespace

Result<RegularExpression> RegularExpression::parse(const std::string& text) {
  if (text.size() > max_characters) {
    return failure(ErrorKind::invalid_argument,
                   "longer than " + std::to_string(max_characters) + " characters");
  }
  RegularExpression parsed(text);
  if (is_literal(text)) {
    return parsed;
  }
  auto program = std::make_shared<const re2::RE2>(text, options());
  if (!program->ok()) {
    std::string reason = program->error();
    if (reason.find(text) == std::string::npos) {
      reason += " in '" + to_utf8(text) + "'";
    }
    return failure(ErrorKind::invalid_argument, std::move(reason));
  }
  parsed.program_ = std::move(program);
  return parsed;
}

bool RegularExpression::full_match(std::string_view text) const {
  if (!is_utf8(text)) {
    return full_match(to_utf8(text));
  }
  return program_ ? re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *program_)
                  : text == literal_;
}

}  // namespace reeve::base
