#pragma once

// The keys below /reeve/CLUSTER/, and etcd's requests about them as JSON. `alive/` comes first in
// the order of keys, so that one range holds all the others: a watch of it is not woken by what
// members say of themselves every few seconds. Pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/text.h"
#include "records/json_reader.h"

namespace reeve::coordination::etcd {

using records::Json;

/// A range of keys: from `first` up to `end`, which does not belong to it.
struct KeyRange {
  std::string first;
  std::string end;
};

class Keys {
 public:
  explicit Keys(const std::string& cluster) : prefix_("/reeve/" + cluster + "/") {}

  [[nodiscard]] std::string member(std::string_view name) const { return key("members/", name); }
  [[nodiscard]] std::string alive(std::string_view name) const { return key("alive/", name); }
  [[nodiscard]] std::string limit(std::string_view name) const { return key("limits/", name); }
  [[nodiscard]] std::string slot(std::string_view limit, unsigned index) const;
  [[nodiscard]] std::string budget_entry(std::string_view limit, unsigned index) const;
  [[nodiscard]] std::string maintenance(std::string_view scope) const;

  [[nodiscard]] KeyRange members() const { return below("members/"); }
  [[nodiscard]] KeyRange all_alive() const { return below("alive/"); }
  [[nodiscard]] KeyRange slots(std::string_view limit) const;
  [[nodiscard]] KeyRange budget_entries(std::string_view limit) const;
  /// Everything but `alive/`.
  [[nodiscard]] KeyRange watched() const { return {prefix_ + "b", end_of(prefix_)}; }

  /// A key of ours, taken apart: `slots`, `web`, `3`. Nothing if it is none.
  struct Parts {
    std::string_view kind;
    std::string_view name;
    std::optional<unsigned> index;  ///< of slots and budget entries
  };
  [[nodiscard]] std::optional<Parts> parts_of(std::string_view key) const;

 private:
  [[nodiscard]] std::string key(std::string_view folder, std::string_view name) const;
  [[nodiscard]] KeyRange below(std::string_view folder) const;
  [[nodiscard]] static std::string end_of(std::string prefix);

  std::string prefix_;
};

/// A key with its value, as etcd answers it.
struct KeyValue {
  std::string key;
  std::string value;
  std::int64_t created = 0;   ///< the revision that created it
  std::int64_t modified = 0;  ///< the revision of this value
  std::int64_t lease = 0;     ///< 0: none
};

/// A 64-bit number, which the gateway writes as a string; 0 where it is absent or no number.
[[nodiscard]] std::int64_t number(const Json& object, const char* name);
/// Nothing if it is no key with a value.
[[nodiscard]] std::optional<KeyValue> key_value(const Json& kv);
/// The `kvs` of a range's answer; those that are none are left out.
[[nodiscard]] std::vector<KeyValue> key_values(const Json& answer);
/// The revision in the answer's header.
[[nodiscard]] std::int64_t revision(const Json& answer);
/// The range's answer in a transaction's; null if there is none.
[[nodiscard]] Json range_answer(const Json& transaction, std::size_t at);
[[nodiscard]] bool succeeded(const Json& transaction);

// Bodies of requests, and parts of them.
[[nodiscard]] Json get(const std::string& key);
[[nodiscard]] Json get(const KeyRange& range);
[[nodiscard]] Json put(const std::string& key, std::string_view value, std::int64_t lease = 0);
[[nodiscard]] Json in_transaction(const char* request, Json body);
[[nodiscard]] Json is_absent(const std::string& key);
[[nodiscard]] Json is_there(const std::string& key);
[[nodiscard]] Json is_unmodified(const std::string& key, std::int64_t modified);
[[nodiscard]] Json transaction(std::vector<Json> compare, std::vector<Json> success);
[[nodiscard]] Json transaction(std::vector<Json> compare, std::vector<Json> success,
                               std::vector<Json> failure);

}  // namespace reeve::coordination::etcd
