#pragma once

// A Caller that answers from a table of methods: with captured bytes, values, faults, errors,
// or a function of the call. system.multicall is made of the table's other methods, as
// supervisord does it, unless it is in the table itself.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "xmlrpc/client.h"

namespace reeve::tests {

class StubCaller final : public xmlrpc::Caller {
 public:
  using Reply = base::Result<xmlrpc::Answer>;
  using Handler = std::function<Reply(const xmlrpc::Call&)>;

  /// Replies are given in order; the last one goes on.
  void answer(const std::string& method, std::vector<Reply> replies);
  void answer(const std::string& method, Handler handler);
  void answer_fixture(const std::string& method, const std::string& file);
  void stream_chunks(std::vector<std::string> chunks) { chunks_ = std::move(chunks); }
  void refuse_stream(base::ErrorKind kind) { stream_refusal_ = kind; }

  /// The replies of the table's other methods, as supervisord makes a multicall of them.
  [[nodiscard]] Reply multicall(const xmlrpc::Call& call);

  [[nodiscard]] const std::vector<xmlrpc::Call>& calls() const { return calls_; }
  [[nodiscard]] std::vector<std::string> methods() const;
  [[nodiscard]] const std::string& streamed_path() const { return streamed_path_; }

  [[nodiscard]] Reply call(const xmlrpc::Call& call, const base::Deadline& deadline) override;
  [[nodiscard]] std::vector<Reply> call_parallel(const std::vector<xmlrpc::Call>& calls,
                                                 const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<void> stream(const std::string& path,
                                          const std::function<bool(std::string_view)>& consumer,
                                          const base::Deadline& deadline) override;

 private:
  [[nodiscard]] Reply reply_to(const xmlrpc::Call& call);

  std::map<std::string, Handler> table_;
  std::vector<xmlrpc::Call> calls_;
  std::optional<base::ErrorKind> stream_refusal_;
  std::vector<std::string> chunks_;
  std::string streamed_path_;
};

[[nodiscard]] StubCaller::Reply value(xmlrpc::Value content);
[[nodiscard]] StubCaller::Reply fault(int code, std::string text);
/// As the Go reimplementation sends it: no declaration, a fault of its own for every cause.
[[nodiscard]] StubCaller::Reply vague_fault(std::string text);
[[nodiscard]] StubCaller::Reply error(base::ErrorKind kind);
[[nodiscard]] xmlrpc::Answer decoded_fixture(const std::string& file);

}  // namespace reeve::tests
