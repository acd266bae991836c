# shellcheck shell=bash
# Sourced at the top of the checkout by a script that runs as `bash -p`: without -p, exported functions, BASH_ENV,
# SHELLOPTS and CDPATH of the caller would take effect before the script's first line.

only_kept() { # drops every exported variable that kept.txt does not name
  local pattern name
  local -a patterns=()
  while IFS= read -r pattern; do patterns+=("$pattern"); done < <(sed -n '/^[A-Za-z]/p' launch/kept.txt)
  for name in $(compgen -e); do
    case $name in PWD | OLDPWD | SHLVL | _) continue ;; esac # the shell's own
    for pattern in "${patterns[@]}"; do
      # shellcheck disable=SC2053  # not quoted, since it is a pattern
      [[ $name == $pattern ]] && continue 2
    done
    unset "$name" 2>/dev/null || export -n "$name" 2>/dev/null || true # bash's own are read-only
  done
}
only_kept
if [[ -n ${TMPDIR:-} && ! (-d $TMPDIR && -w $TMPDIR) ]]; then unset TMPDIR; fi
