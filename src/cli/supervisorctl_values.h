#pragma once

// What supervisorctl's commands share: words of a command line, and the parts of supervisord's
// answers. A missing or odd part reads as empty or zero. Pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/supervisorctl_client.h"
#include "supervisor/answers.h"
#include "xmlrpc/value.h"

namespace reeve::cli {

using CtlWords = std::vector<std::string>;

[[nodiscard]] CtlWords split_words_at_blanks(const std::string& text);
[[nodiscard]] bool has_word(const CtlWords& words, std::string_view word);

/// `group:process`, or one word for both.
struct Namespec {
  std::string group;
  std::optional<std::string> process;  ///< nothing: the whole group
};
[[nodiscard]] Namespec split_namespec(const std::string& name);
[[nodiscard]] std::string make_namespec(const std::string& group, const std::string& process);

/// A member of a struct as text, also if it is a number.
[[nodiscard]] std::string text_of(const xmlrpc::Value& record, std::string_view member);
[[nodiscard]] std::int64_t number_of(const xmlrpc::Value& record, std::string_view member);
[[nodiscard]] bool flag_of(const xmlrpc::Value& record, std::string_view member);
[[nodiscard]] const xmlrpc::Array& items_of(const xmlrpc::Value& value);
[[nodiscard]] CtlWords words_of(const xmlrpc::Value& value);
/// The namespec of a process's record.
[[nodiscard]] std::string process_of(const xmlrpc::Value& record);

/// Characters of UTF-8.
[[nodiscard]] std::size_t letters_in(std::string_view text);
/// `text` in a column of so many characters.
[[nodiscard]] std::string column(const std::string& text, std::size_t width);

/// `error` is this fault of supervisord's.
[[nodiscard]] bool is_fault(const CallError& error, supervisor::FaultCode code);

}  // namespace reeve::cli
