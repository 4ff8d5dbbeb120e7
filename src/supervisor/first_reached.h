#pragma once

// A caller of whichever of several peers is reached first, from then on of that one alone: for
// who was not told where supervisord is, and may be there before it. Thread-safe; while nobody
// was reached each call tries all, in order, within its one deadline.

#include <memory>
#include <vector>

#include "base/guarded.h"
#include "xmlrpc/caller.h"

namespace reeve::supervisor {

class FirstReached final : public xmlrpc::Caller {
 public:
  /// At least one. If none is reached the error is the first one's.
  explicit FirstReached(std::vector<std::shared_ptr<xmlrpc::Caller>> peers)
      : peers_(std::move(peers)) {}

  [[nodiscard]] base::Result<xmlrpc::Answer> call(const xmlrpc::Call& call,
                                                  const base::Deadline& deadline) override;
  /// These do not choose.
  [[nodiscard]] std::vector<base::Result<xmlrpc::Answer>> call_parallel(
      const std::vector<xmlrpc::Call>& calls, const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<void> stream(const std::string& path,
                                          const std::function<bool(std::string_view)>& consumer,
                                          const base::Deadline& deadline) override;

 private:
  /// The one that was reached, else the first.
  [[nodiscard]] xmlrpc::Caller& current() const;

  const std::vector<std::shared_ptr<xmlrpc::Caller>> peers_;
  base::Guarded<std::shared_ptr<xmlrpc::Caller>> reached_;
};

}  // namespace reeve::supervisor
