# Completion of firedrill for bash: source <(.venv/bin/firedrill completion bash)
_firedrill() {
  local word about
  COMPREPLY=()
  while IFS=$'\t' read -r word about; do
    COMPREPLY+=("$word")
  done < <("${COMP_WORDS[0]/#\~/$HOME}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
# Runs stay in their order, the newest first, where bash can do that (4.4 and later).
complete -o default -o nosort -F _firedrill firedrill 2>/dev/null || complete -o default -F _firedrill firedrill
