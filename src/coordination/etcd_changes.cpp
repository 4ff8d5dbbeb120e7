#include "coordination/etcd_changes.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace reeve::coordination::etcd {
namespace {

using base::ErrorKind;

Json deletion(const std::string& key) {
  return in_transaction("request_delete_range", get(key));
}

base::Result<void> commit(const ChangeContext& context, const Json& transaction,
                          const base::Error& otherwise) {
  const auto answer = context.gateway.call(Call::transaction, transaction, context.deadline);
  if (!answer) {
    return base::failure(answer.error());
  }
  return succeeded(*answer) ? base::Result<void>() : base::failure(otherwise);
}

base::Result<void> make(const SetLimit& change, const ChangeContext& context) {
  if (!is_name(change.name)) {
    return base::failure(ErrorKind::invalid_argument,
                         "a limit has a name of at most 64 letters, digits, '-', '_' and '.'");
  }
  if (auto checked = check(change.limit); !checked) {
    return checked;
  }
  if (context.seen.limits.size() >= Limit::max_limits &&
      !context.seen.limits.contains(change.name)) {
    return base::failure(ErrorKind::conflict, "there are " + std::to_string(Limit::max_limits) +
                                                  " limits already: delete one");
  }
  return commit(context,
                transaction({}, {in_transaction("request_put", put(context.keys.limit(change.name),
                                                                   to_text(change.limit)))}),
                {});
}

base::Result<void> make(const DeleteLimit& change, const ChangeContext& context) {
  const std::string key = context.keys.limit(change.name);
  return commit(context, transaction({is_there(key)}, {deletion(key)}),
                {ErrorKind::not_found, "there is no limit '" + change.name + "'"});
}

base::Result<void> make(const ReleaseHolder& change, const ChangeContext& context) {
  const auto answer =
      context.gateway.call(Call::range, get(context.keys.slots(change.limit)), context.deadline);
  if (!answer) {
    return base::failure(answer.error());
  }
  const base::Error none{ErrorKind::not_found, "'" + change.holder + "' holds no slot of '" +
                                                   change.limit +
                                                   "': name a host, or an operation's id"};
  std::vector<Json> compare;
  std::vector<Json> success;
  for (const KeyValue& each : key_values(*answer)) {
    const Holder holder = parse_holder(each.value).value_or(unreadable_holder());
    if (holder.host == change.holder || holder.operation == change.holder) {
      compare.push_back(is_unmodified(each.key, each.modified));
      success.push_back(deletion(each.key));
    }
  }
  return compare.empty() ? base::failure(none)
                         : commit(context, transaction(std::move(compare), std::move(success)),
                                  {ErrorKind::conflict, "it changes at this moment: try again"});
}

/// What keeps an actor from setting one more: he has his share of the places, or all are taken. Of
/// everything (`*`) there is always one.
base::Result<void> check_places(const SharedMaintenance& window, const View& seen) {
  const auto& windows = seen.maintenance;
  const bool is_known = std::any_of(windows.begin(), windows.end(),
                                    [&](const auto& each) { return each.scope == window.scope; });
  const auto own =
      static_cast<std::size_t>(std::count_if(windows.begin(), windows.end(), [&](const auto& each) {
        return each.actor == window.actor;
      }));
  const bool is_full =
      windows.size() >= SharedMaintenance::max_windows || own >= SharedMaintenance::max_windows / 2;
  if (is_full && !is_known && window.scope != "*") {
    return base::failure(ErrorKind::conflict, "there are " + std::to_string(windows.size()) +
                                                  " windows of maintenance of all hosts, " +
                                                  std::to_string(own) + " of them by '" +
                                                  window.actor + "': clear one, or set '*'");
  }
  return {};
}

/// The leases of the keys that the transaction's first step has read serve nothing any more.
void abandon_leases(const Json& answer, std::int64_t own, const ChangeContext& context) {
  for (const KeyValue& each : key_values(range_answer(answer, 0))) {
    if (each.lease != 0 && each.lease != own) {  // its own: it was sent twice
      context.abandoned.push_back(each.lease);
    }
  }
}

base::Result<void> make(const SetMaintenance& change, const ChangeContext& context) {
  if (auto checked = check_places(change.window, context.seen); !checked) {
    return checked;
  }
  const auto lease = context.claims.grant(change.window.span, context.deadline);
  if (!lease) {
    return base::failure(lease.error());
  }
  const std::string key = context.keys.maintenance(change.window.scope);
  const auto answer = context.gateway.call(
      Call::transaction,
      transaction({}, {in_transaction("request_range", get(key)),
                       in_transaction("request_put", put(key, to_text(change.window), *lease))}),
      context.deadline);
  if (!answer) {
    context.abandoned.push_back(*lease);
    return base::failure(answer.error());
  }
  abandon_leases(*answer, *lease, context);
  return {};
}

base::Result<void> make(const ClearMaintenance& change, const ChangeContext& context) {
  const std::string key = context.keys.maintenance(change.scope);
  const auto answer = context.gateway.call(
      Call::transaction,
      transaction({is_there(key)}, {in_transaction("request_range", get(key)), deletion(key)}),
      context.deadline);
  if (!answer) {
    return base::failure(answer.error());
  }
  if (!succeeded(*answer)) {
    return base::failure(ErrorKind::not_found,
                         "there is no maintenance of all hosts for '" + change.scope + "'");
  }
  abandon_leases(*answer, 0, context);
  return {};
}

base::Result<void> make(const ForgetMember& change, const ChangeContext& context) {
  const std::string member = context.keys.member(change.name);
  const std::string alive = context.keys.alive(change.name);
  const auto answer =
      context.gateway.call(Call::transaction,
                           transaction({is_there(member), is_absent(alive)}, {deletion(member)},
                                       {in_transaction("request_range", get(alive))}),
                           context.deadline);
  if (!answer) {
    return base::failure(answer.error());
  }
  if (succeeded(*answer)) {
    return {};
  }
  return key_values(range_answer(*answer, 0)).empty()
             ? base::failure(ErrorKind::not_found, "there is no member '" + change.name + "'")
             : base::failure(ErrorKind::conflict,
                             "the member '" + change.name + "' is alive: end its agent first");
}

}  // namespace

base::Result<void> carry_out(const Change& change, const ChangeContext& context) {
  return std::visit([&](const auto& each) { return make(each, context); }, change);
}

}  // namespace reeve::coordination::etcd
