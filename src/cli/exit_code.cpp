#include "cli/exit_code.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;

/// Commands that only look: to them, no answer at all means that the state is unknown.
bool is_look(Verb verb) {
  return verb == Verb::status || verb == Verb::list || verb == Verb::healthcheck;
}

/// supervisorctl does not check first whether these can reach supervisord.
bool is_unchecked(Verb verb) {
  return verb == Verb::reread || verb == Verb::update;
}

}  // namespace

int exit_code(Verb verb, ErrorKind kind) {
  switch (kind) {
    case ErrorKind::unreachable:
      return is_unchecked(verb) ? exit_failed : exit_unknown;
    case ErrorKind::socket_missing:
      return is_unchecked(verb) ? exit_failed : is_look(verb) ? exit_unknown : exit_program_failed;
    case ErrorKind::timeout:
      return is_look(verb) ? exit_unknown : exit_failed;
    case ErrorKind::not_found:
      return verb == Verb::status || verb == Verb::healthcheck ? exit_unknown : exit_failed;
    case ErrorKind::conflict:  // supervisord's NOT_RUNNING and ABNORMAL_TERMINATION
      return verb == Verb::start || verb == Verb::restart || verb == Verb::signal
                 ? exit_program_failed
                 : exit_failed;
    case ErrorKind::spawn_failed:
      return exit_program_failed;
    case ErrorKind::cancelled:
    case ErrorKind::denied:
    case ErrorKind::no_file:
    case ErrorKind::stale:
    case ErrorKind::invalid_argument:
    case ErrorKind::shutting_down:
    case ErrorKind::fault:
    case ErrorKind::malformed:
    case ErrorKind::not_implemented:
    case ErrorKind::internal:
      return exit_failed;
  }
  return exit_failed;
}

}  // namespace reeve::cli
