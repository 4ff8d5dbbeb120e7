#include "api/open_streams.h"

#include <algorithm>
#include <string>
#include <utility>

#include "api/fair_share.h"

namespace reeve::api {
namespace {

bool passes(const AccessRules& rules, const Credential& credential, const Principal& before,
            Scope scope) {
  const Principal* const now = rules.authenticator.authenticate(credential);
  return now != nullptr && now->has(scope) && now->reads_the_same(before);
}

Problem no_longer_accepted() {
  return {.status = 401,
          .type = "not_authenticated",
          .detail = "the configuration was reloaded, and no longer grants this"};
}

Problem no_place(const StreamKind& kind, const PlaceCount& places, const Principal& actor) {
  const bool is_share = places.taken < places.total;
  return {
      .status = 503,
      .type = std::string(kind.full),
      .detail = (is_share ? "'" + actor.name + "' has its share of the " + std::string(kind.name)
                          : "there is no place among the " + std::string(kind.name)) +
                ": there may be " + std::to_string(places.total) + ", of one token or client " +
                std::to_string(share_of(places.total)) + ". End one",
      .headers = {{"Retry-After", "10"}}};
}

}  // namespace

tl::expected<void, Problem> OpenStreams::add(const StreamKind& kind, const Credential& credential,
                                             const Principal& actor,
                                             const http::StreamWriter& writer) {
  return state_.with([&](State& state) -> tl::expected<void, Problem> {
    if (state.rules && !passes(*state.rules, credential, actor, kind.scope)) {
      return tl::unexpected(no_longer_accepted());
    }
    std::erase_if(state.entries, [](const Entry& each) { return !each.writer.is_open(); });
    PlaceCount places{.total = kind.places, .taken = 0, .own = 0};
    for (const Entry& each : state.entries) {
      const bool is_same_kind = each.kind == &kind;
      const bool is_own = is_same_kind && each.actor.name == actor.name;
      places.taken += static_cast<std::size_t>(is_same_kind);
      places.own += static_cast<std::size_t>(is_own);
    }
    if (!may_take_place(places)) {
      return tl::unexpected(no_place(kind, places, actor));
    }
    state.entries.push_back({&kind, credential, actor, writer});
    return {};
  });
}

std::vector<OpenStreams::Entry> OpenStreams::take_refused(State& state) {
  if (!state.rules) {
    return {};
  }
  const auto first =
      std::stable_partition(state.entries.begin(), state.entries.end(), [&](const Entry& each) {
        return passes(*state.rules, each.credential, each.actor, each.kind->scope);
      });
  std::vector<Entry> refused(first, state.entries.end());
  state.entries.erase(first, state.entries.end());
  return refused;
}

void OpenStreams::end(const std::vector<Entry>& entries) const {
  for (const Entry& each : entries) {
    log_.info("a stream was ended: the configuration no longer grants it, or its session is over",
              {{"stream", std::string(each.kind->name)}, {"actor", each.actor.name}});
    each.writer.write(each.kind->last_word);
    each.writer.end();
  }
}

void OpenStreams::configure(std::shared_ptr<const AccessRules> rules) {
  end(state_.with([&](State& state) {
    state.rules = std::move(rules);
    return take_refused(state);
  }));
}

void OpenStreams::recheck() {
  end(state_.with([](State& state) { return take_refused(state); }));
}

}  // namespace reeve::api
