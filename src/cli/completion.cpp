#include "cli/commands.h"

namespace reeve::cli {
namespace {

constexpr std::string_view bash_script = R"script(# bash completion for reeve
_reeve() {
  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" command="" word
  COMPREPLY=()
  # Process names hold colons, at which bash splits words.
  if declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref -n : cur prev
  fi
  local commands="serve relay-events list status start stop restart signal pid tail clear \
reread update healthcheck maintenance guards audit check-config version completion help"
  local options="--config --url --username --password-file --supervisor --timeout --output \
--color --quiet --help"
  case "$prev" in
    --config|--password-file|--token-file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    --output) COMPREPLY=($(compgen -W "table json" -- "$cur")); return ;;
    --color) COMPREPLY=($(compgen -W "auto always never" -- "$cur")); return ;;
    --url|--username|--supervisor|--timeout|--agent|--ttl|--reason|--since|--limit) return ;;
  esac
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " $commands " in *" $word "*) command="$word"; break ;; esac
  done
  if [[ "$cur" == -* ]]; then
    case "$command" in
      stop) options+=" --no-wait --force" ;;
      tail) options+=" --follow --bytes" ;;
      maintenance) options+=" --agent --token-file --ttl --reason" ;;
      guards) options+=" --agent --token-file" ;;
      audit) options+=" --agent --token-file --since --limit" ;;
    esac
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
    return
  fi
  case "$command" in
    ""|help) COMPREPLY=($(compgen -W "$commands" -- "$cur")) ;;
    completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$cur")) ;;
    maintenance) COMPREPLY=($(compgen -W "list set clear" -- "$cur")) ;;
    guards) COMPREPLY=($(compgen -W "list reset" -- "$cur")) ;;
    check-config) COMPREPLY=($(compgen -f -- "$cur")) ;;
    list|status|start|stop|restart|signal|pid|tail|clear|healthcheck)
      # Not by compgen -W, which would expand names as shell code.
      while read -r word _; do
        [[ "$word" == "$cur"* ]] && COMPREPLY+=("$(printf %q "$word")")
      done < <(echo all; reeve status --color never --timeout 2s 2>/dev/null)
      if declare -F __ltrim_colon_completions >/dev/null; then
        __ltrim_colon_completions "$cur"
      fi ;;
  esac
}
complete -F _reeve reeve
)script";

constexpr std::string_view zsh_script = R"script(#compdef reeve
_reeve() {
  local -a verbs names
  verbs=(serve relay-events list status start stop restart signal pid tail clear reread update
         healthcheck maintenance guards audit check-config version completion help)
  local command=${words[(r)(${(j:|:)verbs})]}
  case ${words[CURRENT-1]} in
    --config|--password-file|--token-file) _files; return ;;
    --output) compadd table json; return ;;
    --color) compadd auto always never; return ;;
    --url|--username|--supervisor|--timeout|--agent|--ttl|--reason|--since|--limit) return ;;
  esac
  if [[ $PREFIX == -* ]]; then
    compadd -- --config --url --username --password-file --supervisor --timeout --output --color \
      --quiet --help
    [[ $command == stop ]] && compadd -- --no-wait --force
    [[ $command == tail ]] && compadd -- --follow --bytes
    [[ $command == (maintenance|guards|audit) ]] && compadd -- --agent --token-file
    [[ $command == maintenance ]] && compadd -- --ttl --reason
    [[ $command == audit ]] && compadd -- --since --limit
    return
  fi
  case $command in
    ''|help) compadd -a verbs ;;
    completion) compadd bash zsh fish ;;
    maintenance) compadd list set clear ;;
    guards) compadd list reset ;;
    check-config) _files ;;
    list|status|start|stop|restart|signal|pid|tail|clear|healthcheck)
      names=(all ${${(f)"$(reeve status --color never --timeout 2s 2>/dev/null)"}%% *})
      compadd -a names ;;
  esac
}
if [[ $funcstack[1] == _reeve ]]; then _reeve "$@"; else compdef _reeve reeve; fi
)script";

constexpr std::string_view fish_script = R"script(# fish completion for reeve
set -l commands serve relay-events list status start stop restart signal pid tail clear reread \
  update healthcheck maintenance guards audit check-config version completion help
set -l named list status start stop restart signal pid tail clear healthcheck
complete -c reeve -f
complete -c reeve -n "not __fish_seen_subcommand_from $commands" -a "$commands"
complete -c reeve -n "__fish_seen_subcommand_from $named" \
  -a "all (reeve status --color never --timeout 2s 2>/dev/null | string replace -r ' .*' '')"
complete -c reeve -n "__fish_seen_subcommand_from completion" -a "bash zsh fish"
complete -c reeve -n "__fish_seen_subcommand_from help" -a "$commands"
complete -c reeve -n "__fish_seen_subcommand_from maintenance" -a "list set clear"
complete -c reeve -n "__fish_seen_subcommand_from maintenance" -l ttl -l reason -x
complete -c reeve -n "__fish_seen_subcommand_from guards" -a "list reset"
complete -c reeve -n "__fish_seen_subcommand_from audit" -l since -l limit -x
complete -c reeve -n "__fish_seen_subcommand_from maintenance guards audit" -l agent -x
complete -c reeve -n "__fish_seen_subcommand_from maintenance guards audit" -l token-file -r -F
complete -c reeve -n "__fish_seen_subcommand_from check-config" -F
complete -c reeve -n "__fish_seen_subcommand_from stop" -l no-wait -l force
complete -c reeve -n "__fish_seen_subcommand_from tail" -s f -l follow
complete -c reeve -n "__fish_seen_subcommand_from tail" -s n -l bytes -x
complete -c reeve -l config -r -F
complete -c reeve -l password-file -r -F
complete -c reeve -l url -x
complete -c reeve -l username -x
complete -c reeve -l supervisor -x
complete -c reeve -l timeout -x
complete -c reeve -l output -x -a "table json"
complete -c reeve -l color -x -a "auto always never"
complete -c reeve -s q -l quiet
complete -c reeve -s h -l help
)script";

std::string_view script_for(Shell shell) {
  switch (shell) {
    case Shell::bash:
      return bash_script;
    case Shell::zsh:
      return zsh_script;
    case Shell::fish:
      return fish_script;
  }
  return bash_script;
}

}  // namespace

int run(const Completion& command, const Output& output) {
  output.write(script_for(command.shell));
  return exit_success;
}

}  // namespace reeve::cli
