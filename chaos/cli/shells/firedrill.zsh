#compdef firedrill
# Completion of firedrill for zsh, behind compinit: source <(.venv/bin/firedrill completion zsh)
_firedrill() {
  local -a found
  local line
  for line in "${(@f)$("${words[1]/#\~/$HOME}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if (( $#found )); then
    _describe -V firedrill found  # -V: runs stay in their order, the newest first
  else
    _files
  fi
}
compdef _firedrill firedrill
