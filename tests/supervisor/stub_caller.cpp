#include "supervisor/stub_caller.h"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "support/fixture.h"
#include "xmlrpc/codec.h"

namespace reeve::tests {

using xmlrpc::Answer;
using xmlrpc::Value;

StubCaller::Reply value(Value content) {
  return Answer{std::move(content), true, {}};
}

StubCaller::Reply fault(int code, std::string text) {
  return Answer{xmlrpc::Fault{code, std::move(text)}, true, {}};
}

StubCaller::Reply vague_fault(std::string text) {
  return Answer{xmlrpc::Fault{-32500, std::move(text)}, false, {}};
}

StubCaller::Reply error(base::ErrorKind kind) {
  return base::failure(kind, "scripted");
}

Answer decoded_fixture(const std::string& file) {
  auto answer = xmlrpc::decode_answer(file.ends_with(".http") ? fixture_body(file) : fixture(file));
  if (!answer) {
    throw std::runtime_error(file + ": " + answer.error().message);
  }
  return *std::move(answer);
}

void StubCaller::answer(const std::string& method, std::vector<Reply> replies) {
  const auto next = std::make_shared<std::size_t>(0);
  answer(method, [=](const xmlrpc::Call&) {
    const Reply& reply = replies.at(*next);
    *next = std::min(*next + 1, replies.size() - 1);
    return reply;
  });
}

void StubCaller::answer(const std::string& method, Handler handler) {
  table_[method] = std::move(handler);
}

void StubCaller::answer_fixture(const std::string& method, const std::string& file) {
  answer(method, {Reply(decoded_fixture(file))});
}

std::vector<std::string> StubCaller::methods() const {
  std::vector<std::string> methods;
  for (const xmlrpc::Call& call : calls_) {
    methods.push_back(call.method);
  }
  return methods;
}

StubCaller::Reply StubCaller::call(const xmlrpc::Call& call, const base::Deadline& deadline) {
  calls_.push_back(call);
  if (const auto possible = deadline.check("calling"); !possible) {
    return base::failure(possible.error());
  }
  return reply_to(call);
}

StubCaller::Reply StubCaller::reply_to(const xmlrpc::Call& call) {
  const auto found = table_.find(call.method);
  if (found != table_.end()) {
    return found->second(call);
  }
  return call.method == "system.multicall" ? multicall(call) : fault(1, "UNKNOWN_METHOD");
}

StubCaller::Reply StubCaller::multicall(const xmlrpc::Call& call) {
  xmlrpc::Array results;
  for (const Value& item : *call.parameters.at(0).as_array()) {
    const Reply reply =
        reply_to({*item.member("methodName")->as_string(), *item.member("params")->as_array()});
    if (!reply) {
      return reply;
    }
    if (const xmlrpc::Fault* const refusal = reply->fault()) {
      results.emplace_back(
          xmlrpc::Struct{{"faultCode", refusal->code}, {"faultString", refusal->text}});
    } else {
      results.push_back(*reply->value());
    }
  }
  return value(results);
}

std::vector<StubCaller::Reply> StubCaller::call_parallel(const std::vector<xmlrpc::Call>& calls,
                                                         const base::Deadline& deadline) {
  std::vector<Reply> replies;
  for (const xmlrpc::Call& each : calls) {
    replies.push_back(call(each, deadline));
  }
  return replies;
}

base::Result<void> StubCaller::stream(const std::string& path,
                                      const std::function<bool(std::string_view)>& consumer,
                                      const base::Deadline& /*deadline*/) {
  streamed_path_ = path;
  if (stream_refusal_) {
    return base::failure(*stream_refusal_, "scripted");
  }
  for (const std::string& chunk : chunks_) {
    if (!consumer(chunk)) {
      return {};
    }
  }
  return {};
}

}  // namespace reeve::tests
