#include "base/side_by_side.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

namespace reeve::base {

void side_by_side(std::size_t count, const std::function<void(std::size_t)>& work) {
  constexpr std::size_t max_threads = 64;
  if (count == 1) {
    work(0);
    return;
  }
  std::atomic<std::size_t> next = 0;
  std::vector<std::exception_ptr> failures(count);
  {
    std::vector<std::jthread> threads;
    for (std::size_t at = 0; at < std::min(count, max_threads); ++at) {
      threads.emplace_back([&] {
        for (std::size_t mine = next++; mine < count; mine = next++) {
          try {
            work(mine);
          } catch (...) {
            failures[mine] = std::current_exception();
          }
        }
      });
    }
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
}

}  // namespace reeve::base
