#pragma once

// etcd's v3 JSON gateway: one POST for each call, of JSON both ways. A call goes to one endpoint
// within EtcdOptions::timeout, and to the next if that one is unreachable, hangs, or has no quorum;
// the one that answered last is asked first. So a request may be carried out twice: all that are
// sent are transactions or may be repeated. A caller whose deadline is over asks nothing. Where a
// user is configured it signs in when it has no token, and once more when etcd does not accept its
// token. Thread-safe; never throws.
//
// Errors: unreachable (also: no quorum, no space), timeout, denied (user, password, rights,
// certificate), not_found (no such lease), not_implemented (no gateway there), conflict (etcd
// refuses the request), malformed.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "coordination/options.h"
#include "http/client.h"
#include "records/json_reader.h"
#include "reeve/base/deadline.h"
#include "reeve/base/enumeration.h"

namespace reeve::coordination::etcd {

using records::Json;

enum class Call : std::uint8_t {
  authenticate,
  grant,
  keepalive,
  revoke,
  time_to_live,
  range,
  transaction,
  watch,
};
inline constexpr auto all_calls = base::all_of<Call, Call::watch>();
[[nodiscard]] constexpr std::string_view to_string(Call call) {
  return base::name_of<all_calls>(call, {"authenticate", "grant", "keepalive", "revoke",
                                         "time_to_live", "range", "transaction", "watch"});
}

class Gateway {
 public:
  /// A longer answer, or a longer line of a watch, is malformed.
  static constexpr std::size_t max_answer_bytes = std::size_t{32} * 1024 * 1024;

  /// `clock` must outlive this.
  Gateway(EtcdOptions options, const base::Clock& clock);

  [[nodiscard]] base::Result<Json> call(Call call, const Json& body,
                                        const base::Deadline& deadline);
  /// Side by side; an answer for each, in their order.
  [[nodiscard]] std::vector<base::Result<Json>> call_all(Call call, const std::vector<Json>& bodies,
                                                         const base::Deadline& deadline);
  /// Hands on each line of the watch until `take` returns false, the watch ends, or the deadline.
  /// One endpoint; the next watch is asked of the next one if this one said nothing at all.
  [[nodiscard]] base::Result<void> watch(const Json& body,
                                         const std::function<bool(const Json&)>& take,
                                         const base::Deadline& deadline);

  /// Of one endpoint.
  [[nodiscard]] base::Duration timeout() const { return options_.timeout; }
  /// Whether an endpoint answered the last call, with whatever etcd decided on it. A call that was
  /// cancelled, or whose caller could not wait for half of timeout(), says nothing of that.
  struct Contact {
    bool up = false;
    std::optional<base::SystemTime> last;  ///< when it last answered
    std::string error;                     ///< why it is not up
    /// It answers, and writes nothing: not up until a lease is granted.
    bool has_no_space = false;
  };
  [[nodiscard]] Contact contact() const { return contact_.copy(); }
  using Counts = std::map<std::pair<std::string, std::string>, std::uint64_t>;
  /// By call and result.
  [[nodiscard]] Counts counts() const { return counts_.copy(); }

 private:
  using Answers = std::vector<base::Result<Json>>;

  [[nodiscard]] Answers ask(std::size_t endpoint, Call call, const std::vector<Json>& bodies,
                            const base::Deadline& deadline);
  [[nodiscard]] Answers send(std::size_t endpoint, Call call, const std::vector<Json>& bodies,
                             const base::Deadline& deadline);
  /// A token for the header, empty where no user is configured.
  [[nodiscard]] base::Result<std::string> sign_in(std::size_t endpoint,
                                                  const base::Deadline& deadline);
  [[nodiscard]] base::Result<Json> interpret(
      std::size_t endpoint, const base::Result<http::ClientResponse>& response) const;
  [[nodiscard]] base::Error status_error(std::size_t endpoint,
                                         const http::ClientResponse& response) const;
  [[nodiscard]] http::ClientRequest request(Call call, const Json& body,
                                            const std::string& token) const;
  void count(Call call, const std::optional<base::Error>& error);
  void update_contact(Call call, const std::optional<base::Error>& error, base::SteadyTime began);
  void forget_token();

  const EtcdOptions options_;
  const base::Clock& clock_;
  std::vector<std::unique_ptr<http::Client>> clients_;  ///< of the endpoints, in their order
  std::atomic<std::size_t> preferred_ = 0;
  base::Guarded<std::string> token_;
  base::Guarded<Contact> contact_;
  base::Guarded<Counts> counts_;
};

}  // namespace reeve::coordination::etcd
