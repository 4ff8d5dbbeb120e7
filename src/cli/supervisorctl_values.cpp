#include "cli/supervisorctl_values.h"

#include <algorithm>
#include <sstream>

namespace reeve::cli {

CtlWords split_words_at_blanks(const std::string& text) {
  std::istringstream stream(text);
  CtlWords words;
  for (std::string word; stream >> word;) {
    words.push_back(word);
  }
  return words;
}

bool has_word(const CtlWords& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Namespec split_namespec(const std::string& name) {
  const std::size_t colon = name.find(':');
  if (colon == std::string::npos) {
    return {name, name};
  }
  const std::string process = name.substr(colon + 1);
  return {name.substr(0, colon),
          process.empty() || process == "*" ? std::nullopt : std::optional(process)};
}

std::string make_namespec(const std::string& group, const std::string& process) {
  return group == process ? process : group + ":" + process;
}

std::string text_of(const xmlrpc::Value& record, std::string_view member) {
  const xmlrpc::Value* const value = record.member(member);
  if (value == nullptr) {
    return "";
  }
  if (const auto* const number = value->as_integer()) {
    return std::to_string(*number);
  }
  return value->as_string() == nullptr ? "" : *value->as_string();
}

std::int64_t number_of(const xmlrpc::Value& record, std::string_view member) {
  const xmlrpc::Value* const value = record.member(member);
  const auto* const number = value == nullptr ? nullptr : value->as_integer();
  return number == nullptr ? 0 : *number;
}

bool flag_of(const xmlrpc::Value& record, std::string_view member) {
  const xmlrpc::Value* const value = record.member(member);
  const bool* const flag = value == nullptr ? nullptr : value->as_boolean();
  return flag == nullptr ? number_of(record, member) != 0 : *flag;
}

const xmlrpc::Array& items_of(const xmlrpc::Value& value) {
  static const xmlrpc::Array none;
  return value.as_array() == nullptr ? none : *value.as_array();
}

CtlWords words_of(const xmlrpc::Value& value) {
  CtlWords words;
  for (const xmlrpc::Value& item : items_of(value)) {
    words.push_back(item.as_string() == nullptr ? "" : *item.as_string());
  }
  return words;
}

std::string process_of(const xmlrpc::Value& record) {
  return make_namespec(text_of(record, "group"), text_of(record, "name"));
}

std::size_t letters_in(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (byte & '\xC0') != '\x80'; }));
}

std::string column(const std::string& text, std::size_t width) {
  const std::size_t letters = letters_in(text);
  return letters < width ? text + std::string(width - letters, ' ') : text;
}

bool is_fault(const CallError& error, supervisor::FaultCode code) {
  return error.cause == CallError::Cause::fault && error.code == static_cast<int>(code);
}

}  // namespace reeve::cli
