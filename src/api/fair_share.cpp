#include "api/fair_share.h"

#include <utility>

namespace reeve::api {

class WaitPlaces::Place {
 public:
  Place(std::shared_ptr<base::Guarded<Taken>> taken, std::string principal)
      : taken_(std::move(taken)), principal_(std::move(principal)) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    taken_->with([&](Taken& taken) {
      --taken.all;
      const auto own = taken.by_principal.find(principal_);
      if (--own->second == 0) {
        taken.by_principal.erase(own);
      }
    });
  }

 private:
  std::shared_ptr<base::Guarded<Taken>> taken_;
  std::string principal_;
};

std::shared_ptr<const WaitPlaces::Place> WaitPlaces::take(const std::string& principal) {
  const bool is_taken = taken_->with([&](Taken& taken) {
    const auto own = taken.by_principal.find(principal);
    if (!may_take_place({.total = max_waiting,
                         .taken = taken.all,
                         .own = own == taken.by_principal.end() ? 0 : own->second})) {
      return false;
    }
    ++taken.all;
    ++taken.by_principal[principal];
    return true;
  });
  return is_taken ? std::make_shared<const Place>(taken_, principal) : nullptr;
}

}  // namespace reeve::api
