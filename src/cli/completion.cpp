#include "cli/commands.h"

namespace reeve::cli {
namespace {

// `reeve __complete WORDS...` prints what may stand in place of the last word, so that the shells
// agree; `:files` means file names.

constexpr std::string_view bash_script = R"script(# bash completion for reeve
_reeve() {
  local word candidate typed prefix rest="${COMP_LINE:0:COMP_POINT}"
  local -a words=()
  COMPREPLY=()
  # The words as typed: bash splits them at colons and equals signs too.
  for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
    if ((${#words[@]})) && [[ "$rest" == "$word"* && "$rest" != [[:space:]]* ]]; then
      words[-1]+="$word"
    else
      words+=("$word")
      rest="${rest#"${rest%%[![:space:]]*}"}"
    fi
    rest="${rest#"$word"}"
  done
  typed="${words[-1]}"
  word="${COMP_WORDS[COMP_CWORD]}"
  prefix="${typed%"$word"}"
  [[ "$word" == [:=] ]] && prefix="$typed"
  while IFS= read -r candidate; do
    if [[ "$candidate" == :files ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done \
        < <(compgen -f -- "${typed#"$prefix"}")
      return
    fi
    # Not by compgen -W, which would expand names as shell code.
    candidate="${candidate#"$prefix"}"
    [[ "$typed" == [\'\"]* ]] || candidate="$(printf %q "$candidate")"
    COMPREPLY+=("$candidate")
  done < <(command reeve __complete "${words[@]:1}" 2>/dev/null)
}
complete -F _reeve reeve
)script";

constexpr std::string_view zsh_script = R"script(#compdef reeve
_reeve() {
  local -a found
  found=(${(f)"$(command reeve __complete "${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if [[ ${found[1]} == :files ]]; then
    compset -P '*='
    _files
  else
    compadd -a found
  fi
}
if [[ $funcstack[1] == _reeve ]]; then _reeve "$@"; else compdef _reeve reeve; fi
)script";

constexpr std::string_view fish_script = R"script(# fish completion for reeve
function __reeve_complete
  set -l words (commandline -opc)
  set -l found (command reeve __complete $words[2..-1] (commandline -ct) 2>/dev/null)
  if test "$found[1]" = :files
    set -l parts (string match -r '^((?:--[^=]*=)?)(.*)$' -- (commandline -ct))
    for path in (__fish_complete_path "$parts[3]")
      printf '%s\n' "$parts[2]$path"
    end
  else
    printf '%s\n' $found
  end
end
complete -c reeve -f -a '(__reeve_complete)'
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
