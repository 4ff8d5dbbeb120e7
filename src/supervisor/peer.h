#pragma once

// The supervisord at the other end: carries a call there and hands back its value, with every
// refusal as an Error. Also the few questions that all operations ask. Stateless.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/base/deadline.h"
#include "reeve/base/result.h"
#include "reeve/substrate/instance.h"
#include "xmlrpc/caller.h"

namespace reeve::supervisor {

class Peer {
 public:
  explicit Peer(std::shared_ptr<xmlrpc::Caller> caller) : caller_(std::move(caller)) {}

  /// `doing` begins the message of an error: "starting web".
  [[nodiscard]] base::Result<xmlrpc::Value> call(const xmlrpc::Call& call, std::string_view doing,
                                                 const base::Deadline& deadline) const;
  /// All at once, each over a connection of its own.
  [[nodiscard]] std::vector<base::Result<xmlrpc::Value>> call_parallel(
      const std::vector<xmlrpc::Call>& calls, std::string_view doing,
      const base::Deadline& deadline) const;
  /// The same as call(), of every <param> of the answer: the Go reimplementation sends three where
  /// supervisord sends an array of three.
  [[nodiscard]] base::Result<xmlrpc::Array> call_for_array(const xmlrpc::Call& call,
                                                           std::string_view doing,
                                                           const base::Deadline& deadline) const;
  /// In one request, or in one each where the peer has no system.multicall.
  [[nodiscard]] base::Result<std::vector<base::Result<xmlrpc::Value>>> multicall(
      const std::vector<xmlrpc::Call>& calls, std::string_view doing,
      const base::Deadline& deadline) const;
  /// In one request, and so in one moment of the peer's if all calls are immediate.
  /// not_implemented where the peer has no system.multicall.
  [[nodiscard]] base::Result<std::vector<base::Result<xmlrpc::Value>>> multicall_at_once(
      const std::vector<xmlrpc::Call>& calls, std::string_view doing,
      const base::Deadline& deadline) const;
  [[nodiscard]] base::Result<void> stream(const std::string& path,
                                          const std::function<bool(std::string_view)>& consumer,
                                          const base::Deadline& deadline) const {
    return caller_->stream(path, consumer, deadline);
  }

  [[nodiscard]] base::Result<substrate::Listing> list(const base::Deadline& deadline) const;
  [[nodiscard]] base::Result<substrate::InstanceDetail> look(const substrate::InstanceName& name,
                                                             const base::Deadline& deadline) const;
  /// not_found if a vague refusal was for want of such a process; else the refusal as it is.
  [[nodiscard]] base::Error explain(base::Error refusal, const substrate::InstanceName& name,
                                    const base::Deadline& deadline) const;
  /// True if it is the Go reimplementation: its answers have no XML declaration.
  [[nodiscard]] base::Result<bool> is_reimplementation(const base::Deadline& deadline) const;

 private:
  std::shared_ptr<xmlrpc::Caller> caller_;
};

/// A call of supervisord's own namespace.
[[nodiscard]] xmlrpc::Call supervisor_call(std::string_view method,
                                           std::vector<xmlrpc::Value> parameters = {});

/// One call that makes all these; its value is an array of their values, where a struct with
/// `faultCode` stands for a refusal.
[[nodiscard]] xmlrpc::Call multicall_of(const std::vector<xmlrpc::Call>& calls);

/// How supervisord writes the name. not_found for a name that it would take for something else:
/// `g:*` is a whole group to it.
[[nodiscard]] base::Result<std::string> namespec(const substrate::InstanceName& name);

/// An answer that is well-formed but not what the method is known to answer.
[[nodiscard]] tl::unexpected<base::Error> unexpected_answer(std::string_view doing);

}  // namespace reeve::supervisor
