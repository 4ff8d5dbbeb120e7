#pragma once

// XML-RPC calls to one supervisord: hands back a call's value, with every refusal as an Error, and
// asks the few questions that several operations need. Remembers only whether supervisord has
// system.multicall. Thread-safe; each function runs on the caller's thread. FallbackCaller is the
// Caller to use where supervisord's address is a guess.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.h"
#include "reeve/base/deadline.h"
#include "reeve/base/result.h"
#include "reeve/substrate/instance.h"
#include "xmlrpc/client.h"

namespace reeve::supervisor {

/// The results of a multicall, in the order of its calls.
using Results = std::vector<base::Result<xmlrpc::Value>>;

class SupervisordRpc {
 public:
  explicit SupervisordRpc(std::shared_ptr<xmlrpc::Caller> caller) : caller_(std::move(caller)) {}

  /// `doing` begins the message of an error: "starting web". not_implemented, with the fault
  /// unknown_method, also where the peer answers an unknown method with a plain HTTP status.
  [[nodiscard]] base::Result<xmlrpc::Value> call(const xmlrpc::Call& call, std::string_view doing,
                                                 const base::Deadline& deadline) const;
  /// All at the same time, each over a connection of its own.
  [[nodiscard]] Results call_parallel(const std::vector<xmlrpc::Call>& calls,
                                      std::string_view doing, const base::Deadline& deadline) const;
  /// The same as call(), of every <param> of the answer: the Go reimplementation sends three where
  /// supervisord sends an array of three.
  [[nodiscard]] base::Result<xmlrpc::Array> call_for_array(const xmlrpc::Call& call,
                                                           std::string_view doing,
                                                           const base::Deadline& deadline) const;
  /// In one request, or in one each where the peer has no system.multicall.
  [[nodiscard]] base::Result<Results> multicall(const std::vector<xmlrpc::Call>& calls,
                                                std::string_view doing,
                                                const base::Deadline& deadline) const;
  /// In one request. If all calls are immediate, supervisord runs them in one turn of its loop, in
  /// which no process changes its state and no line is logged. not_implemented where the peer has
  /// no system.multicall; then it is not asked for it again.
  [[nodiscard]] base::Result<Results> multicall_at_once(const std::vector<xmlrpc::Call>& calls,
                                                        std::string_view doing,
                                                        const base::Deadline& deadline) const;
  /// False: the peer is known to have no system.multicall.
  [[nodiscard]] bool has_multicall() const { return has_multicall_.copy(); }
  void set_has_multicall(bool has) const {
    has_multicall_.with([&](bool& current) { current = has; });
  }
  [[nodiscard]] base::Result<void> stream(const std::string& path,
                                          const std::function<bool(std::string_view)>& consumer,
                                          const base::Deadline& deadline) const {
    return caller_->stream(path, consumer, deadline);
  }

  /// getAllProcessInfo.
  [[nodiscard]] base::Result<substrate::Listing> list(const base::Deadline& deadline) const;
  /// getProcessInfo. not_found.
  [[nodiscard]] base::Result<substrate::InstanceDetail> get(const substrate::InstanceName& name,
                                                            const base::Deadline& deadline) const;
  /// Finds the cause of an unspecific refusal: not_found if the listing has no process `name`, else
  /// the refusal as it is.
  [[nodiscard]] base::Error with_cause(base::Error refusal, const substrate::InstanceName& name,
                                       const base::Deadline& deadline) const;
  /// True for the Go reimplementation: its answers have no XML declaration.
  [[nodiscard]] base::Result<bool> is_go_reimplementation(const base::Deadline& deadline) const;

 private:
  [[nodiscard]] base::Result<xmlrpc::Answer> request(const xmlrpc::Call& call,
                                                     const base::Deadline& deadline) const;
  [[nodiscard]] bool lacks_method(const xmlrpc::Call& call, const base::Error& error,
                                  const base::Deadline& deadline) const;

  std::shared_ptr<xmlrpc::Caller> caller_;
  mutable base::Guarded<bool> has_multicall_{true};
};

/// A call of supervisord's own namespace.
[[nodiscard]] xmlrpc::Call supervisor_call(std::string_view method,
                                           std::vector<xmlrpc::Value> parameters = {});

/// One call that makes all these.
[[nodiscard]] xmlrpc::Call multicall_of(const std::vector<xmlrpc::Call>& calls);

/// The results in a multicall's answer; malformed unless there is one for each of `calls` calls.
[[nodiscard]] base::Result<Results> multicall_results(xmlrpc::Value answer, std::size_t calls,
                                                      std::string_view doing);

/// How supervisord writes the name. not_found for a name that it would read as something else:
/// `g:*` addresses a whole group.
[[nodiscard]] base::Result<std::string> namespec(const substrate::InstanceName& name);

/// An answer that is well-formed but not what the method is known to answer.
[[nodiscard]] tl::unexpected<base::Error> unexpected_answer(std::string_view doing);

/// Tries several callers in order, within the one deadline of each call, until one of them has
/// reached a server; from then on uses that one alone. Thread-safe.
class FallbackCaller final : public xmlrpc::Caller {
 public:
  /// At least one caller. If none reaches a server the error is the first one's.
  explicit FallbackCaller(std::vector<std::shared_ptr<xmlrpc::Caller>> callers)
      : callers_(std::move(callers)) {}

  [[nodiscard]] base::Result<xmlrpc::Answer> call(const xmlrpc::Call& call,
                                                  const base::Deadline& deadline) override;
  /// These two try nothing: they use the caller found by call(), else the first.
  [[nodiscard]] std::vector<base::Result<xmlrpc::Answer>> call_parallel(
      const std::vector<xmlrpc::Call>& calls, const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<void> stream(const std::string& path,
                                          const std::function<bool(std::string_view)>& consumer,
                                          const base::Deadline& deadline) override;

 private:
  [[nodiscard]] xmlrpc::Caller& current() const;

  const std::vector<std::shared_ptr<xmlrpc::Caller>> callers_;
  base::Guarded<std::shared_ptr<xmlrpc::Caller>> reached_;
};

}  // namespace reeve::supervisor
