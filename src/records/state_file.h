#pragma once

// A value that is kept in one file of the state directory, which is replaced atomically at each
// change. Readers see the value in memory and never wait for the disk. A file that cannot be read
// is kept as it is: unreadable() says why, and no change is accepted until a person resets it.
// Thread-safe. Lock order: writing_, then the value's own lock; neither is held while the owner's
// code runs, except its edit, format and read functions, which must not call back.

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/guarded.h"
#include "base/log.h"
#include "records/state_dir.h"
#include "reeve/base/result.h"

namespace reeve::records {

/// What becomes of a change that cannot be written.
enum class IfUnwritten {
  discard,
  keep,  ///< it holds in memory, and is written with the next change
};

template <class T>
class StateFile {
 public:
  /// A longer file is neither written nor read.
  static constexpr std::size_t max_bytes = std::size_t{16} * 1024 * 1024;

  struct Parsed {
    T value;
    bool future_dated = false;
  };
  struct Format {
    std::string_view name;  ///< of the file
    std::string content;    ///< for messages: "the state of the guards"
    std::string remedy;     ///< what to do if it cannot be read: a sentence
    std::function<std::string(const T&)> to_text;
    /// Nothing if the text is damaged or of an unknown version.
    std::function<std::optional<Parsed>(std::string_view)> parse;
  };

  /// Reads the file. `directory` must outlive this.
  StateFile(const StateDir& directory, Format format, base::Log log)
      : directory_(directory), format_(std::move(format)), log_(std::move(log)) {
    load();
  }

  /// There was no file when this was made.
  [[nodiscard]] bool is_new() const { return is_new_; }
  [[nodiscard]] std::optional<std::string> unreadable() const {
    return current_.with([](const Current& current) { return current.unreadable; });
  }

  template <class Read>
  [[nodiscard]] auto read(const Read& read) const {
    return current_.with([&](const Current& current) { return read(current.value); });
  }

  /// Calls `edit` with a copy of the value; it returns whether it changed anything, or an error
  /// (bool or Result<bool>). The change holds once it is on the disk. One at a time.
  /// conflict: the file is unreadable; others: `edit`'s, or it could not be written.
  template <class Edit>
  [[nodiscard]] base::Result<void> change(const Edit& edit,
                                          IfUnwritten policy = IfUnwritten::discard) {
    const std::scoped_lock one_at_a_time(writing_);
    Current next = current_.copy();
    const base::Result<bool> changed = edit(next.value);
    if (!changed && !next.unreadable) {
      return base::failure(changed.error());
    }
    if (!next.unreadable && !*changed && !unwritten_) {
      return {};
    }
    auto written =
        next.unreadable
            ? base::Result<void>(base::failure(base::ErrorKind::conflict, *next.unreadable))
            : write(next.value);
    if (written || policy == IfUnwritten::keep) {
      unwritten_ = !written;
      set(std::move(next));
    }
    return written;
  }

  /// Changes the value in memory alone, without waiting for the disk: save() writes it. An owner
  /// uses either this and save(), or change().
  template <class Edit>
  auto edit_in_memory(const Edit& edit) {
    return current_.with([&](Current& current) { return edit(current.value); });
  }
  /// Writes the value unless the file holds the same text already, or is unreadable.
  [[nodiscard]] base::Result<void> save() {
    const std::scoped_lock one_at_a_time(writing_);
    const auto text = current_.with([&](const Current& current) {
      return current.unreadable ? std::nullopt : std::optional(format_.to_text(current.value));
    });
    return !text || *text == saved_ ? base::Result<void>() : write_text(*text);
  }

  /// Replaces the value, readable or not, by make(whether it was unreadable).
  template <class Make>
  [[nodiscard]] base::Result<void> replace(const Make& make) {
    const std::scoped_lock one_at_a_time(writing_);
    return replace_locked(make(unreadable().has_value()));
  }
  /// Begins with an empty value where the file is unreadable; else does nothing.
  [[nodiscard]] base::Result<void> forget_unreadable() {
    const std::scoped_lock one_at_a_time(writing_);
    return unreadable() ? replace_locked(T()) : base::Result<void>();
  }

 private:
  struct Current {
    T value;
    std::optional<std::string> unreadable;  ///< why; then the value is empty
  };

  void load();

  [[nodiscard]] base::Result<void> replace_locked(T value) {
    return write(value).map([&] {
      unwritten_ = false;
      set({std::move(value), std::nullopt});
    });
  }
  [[nodiscard]] base::Result<void> write(const T& value) {
    return write_text(format_.to_text(value));
  }
  [[nodiscard]] base::Result<void> write_text(const std::string& text) {
    if (text.size() > max_bytes) {
      return base::failure(
          base::ErrorKind::internal,
          directory_.path(format_.name) + " would be too long: reset what is not needed");
    }
    return directory_.write(format_.name, text).map([&] { saved_ = text; });
  }
  void set(Current next) {
    current_.with([&](Current& current) { current = std::move(next); });
  }

  const StateDir& directory_;
  const Format format_;
  const base::Log log_;
  bool is_new_ = false;
  std::mutex writing_;  ///< held from reading what is changed until it is on the disk
  base::Guarded<Current> current_;
  std::string saved_;       ///< under writing_: the text in the file
  bool unwritten_ = false;  ///< under writing_: the value in memory is not in the file
};

template <class T>
void StateFile<T>::load() {
  const std::string path = directory_.path(format_.name);
  const auto text = directory_.read(format_.name, max_bytes);
  is_new_ = !text && text.error().kind == base::ErrorKind::not_found;
  saved_ = format_.to_text(T());
  auto parsed = text ? format_.parse(*text) : std::nullopt;
  if (parsed) {
    if (parsed->future_dated) {
      log_.warning(format_.content + " is dated in the future: no time has passed since then",
                   {{"file", path}});
    }
    saved_ = format_.to_text(parsed->value);
    set({std::move(parsed->value), std::nullopt});
  } else if (!is_new_) {
    const std::string cause =
        text ? path + " is damaged or not of this version" : text.error().message;
    const std::string why = format_.content +
                            " cannot be read, so nothing is done for alerts: " + cause + ". " +
                            format_.remedy;
    log_.error(format_.content + " cannot be read: nothing is done for alerts until it is reset",
               {{"error", why}});
    set({T(), why});
  }
}

}  // namespace reeve::records
