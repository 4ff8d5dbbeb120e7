#include "supervisor/faults.h"

#include <algorithm>
#include <array>
#include <string>

namespace reeve::supervisor {
namespace {

using base::ErrorKind;

struct Meaning {
  FaultCode code;
  ErrorKind kind;
  std::string_view sentence;
};

using enum FaultCode;

constexpr std::array meanings = {
    Meaning{unknown_method, ErrorKind::not_implemented,
            "this version of supervisord has no such method"},
    Meaning{incorrect_parameters, ErrorKind::fault, "supervisord does not take these parameters"},
    Meaning{bad_arguments, ErrorKind::invalid_argument, "this range makes no sense"},
    Meaning{signature_unsupported, ErrorKind::fault, "no such method to describe"},
    Meaning{shutdown_state, ErrorKind::shutting_down, "supervisord is shutting down or restarting"},
    Meaning{bad_name, ErrorKind::not_found, "supervisord knows no such name"},
    Meaning{bad_signal, ErrorKind::invalid_argument,
            "no such signal: give a name like HUP or a number"},
    Meaning{no_file, ErrorKind::no_file, "the file does not exist"},
    Meaning{not_executable, ErrorKind::no_file, "the program's command cannot be executed"},
    Meaning{failed, ErrorKind::fault, "supervisord could not do it"},
    Meaning{abnormal_termination, ErrorKind::spawn_failed,
            "it was stopped or ended while it was starting"},
    Meaning{spawn_error, ErrorKind::spawn_failed, "it did not stay up"},
    Meaning{already_started, ErrorKind::conflict, "it is started already"},
    Meaning{not_running, ErrorKind::conflict, "it is not running"},
    Meaning{success, ErrorKind::fault, "supervisord calls a success a fault"},
    Meaning{already_added, ErrorKind::conflict, "the group is active already"},
    Meaning{still_running, ErrorKind::conflict,
            "a process of the group still runs: stop the group first"},
    Meaning{cant_reread, ErrorKind::invalid_argument,
            "supervisord cannot read its configuration; the old one stays in force"},
};

const Meaning* meaning_of(int code) {
  const auto* const found =
      std::find_if(meanings.begin(), meanings.end(),
                   [&](const Meaning& meaning) { return static_cast<int>(meaning.code) == code; });
  return found == meanings.end() ? nullptr : found;
}

}  // namespace

ErrorKind kind_of_fault(int code) {
  const Meaning* const meaning = meaning_of(code);
  return meaning == nullptr ? ErrorKind::fault : meaning->kind;
}

base::Error to_error(const xmlrpc::Fault& fault, std::string_view doing) {
  const Meaning* const meaning = meaning_of(fault.code);
  std::string message(doing);
  message += ": ";
  message += meaning == nullptr ? "supervisord refused" : meaning->sentence;
  // FAILED carries a whole Python traceback: its first line is enough for a person.
  message += " (" + fault.text.substr(0, fault.text.find('\n')) + ")";
  return {kind_of_fault(fault.code), std::move(message), base::PeerFault{fault.code, fault.text}};
}

bool is_fault(const base::Error& error, FaultCode code) {
  return error.fault && error.fault->code == static_cast<int>(code);
}

bool is_unspecific(const base::Error& error) {
  return error.fault && meaning_of(error.fault->code) == nullptr;
}

}  // namespace reeve::supervisor
