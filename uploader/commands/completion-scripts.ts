/**
 * The scripts that connect shells to `polytrack completion <shell> -- <words>`, which knows the commands and runs. Its first line is `none`, `files` or
 * `directories`: the paths that the shell completes. Two lines for each candidate follow: text and description.
 */

/**
 * bash splits a word at `=` and `:`, and replaces only the last part. The loop joins the parts that no space separates in the line. It works
 * without the package bash-completion, and with bash 3.2 of macOS, which has no `compopt`.
 */
const BASH = `_polytrack() {
  local rest="$COMP_LINE" last=-1 index word trimmed
  local -a words=()
  for ((index = 0; index <= COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    trimmed="\${rest#"\${rest%%[![:space:]]*}"}"
    if ((index > 0)) && [[ "$trimmed" == "$rest" && -n "$word" ]]; then
      words[last]+="$word"
    else
      last=$((last + 1))
      words[last]="$word"
    fi
    rest="\${trimmed#"$word"}"
  done
  local current="\${COMP_WORDS[COMP_CWORD]}"
  case "$current" in '=' | ':') current="" ;; esac
  local start="\${words[last]%"$current"}" paths candidate description
  COMPREPLY=()
  {
    IFS= read -r paths
    while IFS= read -r candidate && IFS= read -r description; do
      COMPREPLY+=("\${candidate#"$start"}")
    done
  } < <("$1" completion bash -- "\${words[@]}" 2>/dev/null)
  case "$paths" in
    files) while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -f -- "$current") ;;
    directories) while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -d -- "$current") ;;
  esac
  if [[ "$current" != -* ]]; then compopt -o filenames 2>/dev/null; fi
  return 0
}
complete -F _polytrack polytrack
`;

const ZSH = `#compdef polytrack
_polytrack() {
  local paths candidate description
  local -a candidates shown
  {
    IFS= read -r paths
    while IFS= read -r candidate && IFS= read -r description; do
      candidates+=("$candidate")
      shown+=("\${candidate}\${description:+  -- $description}")
    done
  } < <("\${(Q)words[1]}" completion zsh -- "\${(@)words[1,CURRENT]}" 2>/dev/null)
  (( $#candidates )) && compadd -l -d shown -a candidates
  case "$paths" in
    files) _files ;;
    directories) _files -/ ;;
  esac
}
compdef _polytrack polytrack
`;

const FISH = `function __polytrack_complete
  set -l words (commandline -opc) (commandline -ct)
  $words[1] completion fish -- $words 2>/dev/null | begin
    read -l paths
    while read -l candidate; and read -l description
      printf '%s\\t%s\\n' $candidate $description
    end
    switch "$paths"
      case files
        __fish_complete_path (commandline -ct)
      case directories
        __fish_complete_directories (commandline -ct)
    end
  end
end
complete -c polytrack -f -a '(__polytrack_complete)'
`;

export const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;

export type ShellName = keyof typeof SCRIPTS;
