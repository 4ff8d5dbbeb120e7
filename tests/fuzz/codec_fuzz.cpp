// Any bytes as an XML-RPC answer. What is decoded keeps to the limits, is the same whether a long
// array was cut into slices or not, and survives being encoded and decoded again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "xmlrpc/codec.h"

namespace {

using reeve::xmlrpc::Answer;
using reeve::xmlrpc::Array;
using reeve::xmlrpc::DecodeLimits;
using reeve::xmlrpc::Struct;
using reeve::xmlrpc::Value;

constexpr std::size_t max_elements = 20'000;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

std::size_t count(const Value& value) {
  std::size_t values = 1;
  if (const Array* items = value.as_array()) {
    for (const Value& item : *items) {
      values += count(item);
    }
  }
  if (const Struct* members = value.as_struct()) {
    for (const auto& member : *members) {
      values += count(member.second);
    }
  }
  return values;
}

DecodeLimits limits() {
  DecodeLimits limits;
  limits.max_elements = max_elements;
  return limits;
}

void check_slicing(std::string_view body, const reeve::base::Result<Answer>& answer) {
  const std::string blanks(20'000, '\n');  // makes any text long enough to be cut
  const auto sliced = reeve::xmlrpc::decode_answer(std::string(body) + blanks, limits());
  require(sliced.has_value() == answer.has_value());
  require(!answer || (sliced->content == answer->content &&
                      sliced->further_parameters == answer->further_parameters));
}

void check_round_trip(const Value& value) {
  const auto call = reeve::xmlrpc::encode_call({"m", {value}});
  if (!call) {
    return;  // holds what can be received but not sent
  }
  const std::size_t begin = call->find("<params>");
  const std::string params = call->substr(begin, call->rfind("</methodCall>") - begin);
  const auto again =
      reeve::xmlrpc::decode_answer("<methodResponse>" + params + "</methodResponse>");
  require(again && again->value() != nullptr && *again->value() == value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto answer = reeve::xmlrpc::decode_answer(body, limits());
  check_slicing(body, answer);
  if (answer && answer->value() != nullptr) {
    require(count(*answer->value()) <= max_elements);
    check_round_trip(*answer->value());
  }
  return 0;
}
