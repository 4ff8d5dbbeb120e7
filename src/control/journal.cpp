#include "control/journal.h"

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <unordered_map>
#include <utility>

#include <unistd.h>

#include "base/text.h"
#include "control/operation_table.h"
#include "records/line_file.h"

namespace reeve::control {

using base::ErrorKind;
using base::Result;

namespace {

constexpr std::string_view journal_name = "journal.jsonl";
/// The journal is compacted when it has grown by so much.
constexpr std::uint64_t max_growth_bytes = std::uint64_t{8} * 1024 * 1024;

/// The last recorded state of each operation, in the order of their first record.
class LatestStates {
 public:
  void take(Operation operation) {
    const auto [place, is_new] = places_.try_emplace(operation.id, operations_.size());
    if (is_new) {
      operations_.push_back(std::move(operation));
    } else {
      operations_[place->second] = std::move(operation);
    }
  }
  /// Without the done ones that are too old for the history.
  [[nodiscard]] std::vector<Operation> kept() {
    DoneCounts done;
    for (const Operation& each : operations_) {
      done[each.command.actor] += each.done() ? 1U : 0U;
    }
    DoneCounts excess = excess_of(std::move(done));
    std::erase_if(operations_, [&](const Operation& each) {
      std::size_t& left = excess[each.command.actor];
      return each.done() && left > 0 && left-- > 0;
    });
    return std::move(operations_);
  }

 private:
  std::vector<Operation> operations_;
  std::unordered_map<std::string, std::size_t> places_;
};

struct Loaded {
  std::vector<Operation> operations;
  std::uint64_t good_bytes = 0;  ///< before the incomplete line
  bool damaged = false;
};

/// A damaged last line was being written when the machine lost its power.
Result<Loaded> load(const std::string& path, const base::Log& log) {
  LatestStates latest;
  Loaded loaded;
  std::size_t number = 0;
  auto read = records::read_lines(path, [&](std::string_view line) -> Result<void> {
    if (loaded.damaged) {
      return base::failure(ErrorKind::malformed,
                           path + ":" + std::to_string(number) +
                               ": this line of the journal cannot be read; repair it, or move the "
                               "file away to start without its operations");
    }
    ++number;
    if (auto operation = operation_from(line)) {
      latest.take(*std::move(operation));
      loaded.good_bytes += line.size() + 1;
    } else {
      loaded.damaged = true;
    }
    return {};
  });
  if (!read && read.error().kind != ErrorKind::not_found) {
    return base::failure(std::move(read.error()));
  }
  if (loaded.damaged) {
    log.warning("the last line of the journal cannot be read and is dropped",
                {{"file", path}, {"line", std::to_string(number)}});
  }
  loaded.operations = latest.kept();
  return loaded;
}

/// Without its damaged last line. Needs no space: the agent can start on a full disk.
Result<records::LineFile> open_good(const std::string& path, const Loaded& loaded) {
  std::error_code error;
  if (loaded.damaged) {
    std::filesystem::resize_file(path, loaded.good_bytes, error);
  }
  if (error) {
    return base::failure(ErrorKind::internal, "cannot write " + path + ": " + error.message());
  }
  return records::LineFile::open(path);
}

std::string lines_of(const std::vector<Operation>& operations) {
  return base::join(operations, "", [](const Operation& each) { return to_line(each) + "\n"; });
}

bool has_a_longer_line(std::string_view lines, std::size_t bytes) {
  while (!lines.empty()) {
    const std::size_t length = lines.find('\n');
    if (length > bytes) {
      return true;
    }
    lines.remove_prefix(length + 1);
  }
  return false;
}

/// It must be on the disk before a request to supervisord or an answer to a client follows. The
/// other steps can be found out again by a look at the process.
bool must_be_synced(const Operation& operation) {
  if (operation.steps.empty() || operation.state == OperationState::queued || operation.done()) {
    return true;
  }
  const OperationStep last = operation.steps.back().step;
  return last == OperationStep::stop_requested || last == OperationStep::start_requested ||
         last == OperationStep::signal_requested;
}

/// Replaces the journal by one that holds these operations alone.
Result<records::LineFile> rewrite(const records::StateDir& state,
                                  const std::vector<Operation>& operations) {
  const std::string path = state.path(journal_name);
  const std::string draft = path + ".new";
  (void)::unlink(draft.c_str());
  return records::LineFile::open(draft).and_then([&](records::LineFile file) {
    return file.append(lines_of(operations), records::Durability::synced)
        .and_then([&] { return file.move_to(path); })
        .map([&] { return std::move(file); });
  });
}

}  // namespace

struct Journal::State {
  State(const records::StateDir& directory, base::Log its_log, std::vector<Operation> found,
        records::LineFile lines)
      : state(directory),
        log(std::move(its_log)),
        restored(std::move(found)),
        file(std::move(lines)),
        compacted_bytes(lines_of(restored).size()) {}

  void compact();
  /// Until the new file's name is on the disk, a crash could bring the old file back.
  [[nodiscard]] Result<void> sync_name();

  const records::StateDir& state;
  const base::Log log;
  const std::vector<Operation> restored;
  /// Held while the file is written: it keeps the lines in order.
  std::mutex writing;
  records::LineFile file;
  std::uint64_t compacted_bytes;  ///< its size after the last compaction
  bool name_synced = false;
};

void Journal::State::compact() {
  auto fresh = load(state.path(journal_name), log).and_then([this](const Loaded& loaded) {
    return rewrite(state, loaded.operations);
  });
  if (fresh) {
    file = *std::move(fresh);
    name_synced = false;
  } else {
    log.error("the journal cannot be compacted", {{"error", fresh.error().message}});
  }
  compacted_bytes = file.size();  // after a failure, too: not again at once
}

Result<void> Journal::State::sync_name() {
  return name_synced ? Result<void>() : state.sync().map([this] { name_synced = true; });
}

Journal::Journal(std::unique_ptr<State> state) : state_(std::move(state)) {}
Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::open(const records::StateDir& state, base::Log log) {
  const std::string path = state.path(journal_name);
  auto found = load(path, log);
  if (!found) {
    return base::failure(std::move(found.error()));
  }
  return open_good(path, *found).map([&](records::LineFile file) {
    return std::unique_ptr<Journal>(new Journal(std::make_unique<State>(
        state, std::move(log), std::move(found->operations), std::move(file))));
  });
}

const std::vector<Operation>& Journal::restored() const {
  return state_->restored;
}

Result<void> Journal::record(const std::vector<Operation>& operations) {
  const std::string lines = lines_of(operations);
  if (has_a_longer_line(lines, records::LineFile::max_line_bytes)) {
    return base::failure(ErrorKind::invalid_argument, "the operation is too long for the journal");
  }
  const std::scoped_lock lock(state_->writing);
  if (state_->file.size() > state_->compacted_bytes + max_growth_bytes) {
    state_->compact();
  }
  const bool sync = std::any_of(operations.begin(), operations.end(), must_be_synced);
  return state_->sync_name().and_then([&] {
    return state_->file.append(lines,
                               sync ? records::Durability::synced : records::Durability::written);
  });
}

}  // namespace reeve::control
