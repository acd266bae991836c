#!/usr/bin/env -S bash -p
# What `make` does, in the mode that fits this machine: `lab.sh up|down|status|…`. See engine.sh for the choice.
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=launch/environment.sh
. launch/environment.sh
# shellcheck source=services/stack/engine.sh
. services/stack/engine.sh
bin=.venv/bin
command=${1:?usage: lab.sh COMMAND}
shift
# Exit code 1 means that a run was violated: an error of this script exits with 4 instead.
trap 'code=$?; ((code != 1)) || { printf "lab.sh %s: got a failure that it did not foresee, see above\n" "$command" >&2; exit 4; }' EXIT
choose_mode
if [[ $command == mode ]]; then printf '%s: %s\n' "$mode" "$reason"; exit; fi
if [[ $mode == compose ]]; then exec services/stack/compose.sh "$command" "$@"; fi

python() { "$bin/python" -I -X utf8 "$@"; }
stack() { python -m services.stack "$@"; }
sure() { # asks on stderr and reads the answer from stdin, which need not be a terminal
  local answer=""
  printf '%s\nType yes to go on: ' "$1" >&2
  read -r answer || true
  [[ $answer == yes ]] || { printf '\nnothing was removed\n' >&2; exit 2; }
}

if [[ $command == down && ! -x $bin/python ]]; then echo 'stack was never installed here'; exit; fi
if [[ $command != clean-all ]]; then services/stack/install.sh; fi
case $command in
  up | down | status | reset) stack "$command" ;;
  logs) stack logs ${P:+"$P"} ;;
  doctor)
    printf 'mode          local: %s\n\n' "$reason"
    stack doctor
    ;;
  dashboard)
    stack up
    url=$(stack status --json | python -c 'import json, sys; print(json.load(sys.stdin)["urls"]["dashboard"])')
    echo "$url"
    if [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} || $(uname) == Darwin ]]; then
      python -m webbrowser -t "$url" >/dev/null 2>&1 || true
    fi
    ;;
  firedrill) exec "$bin/firedrill" "$@" ;;
  clean-all)
    sure "This removes .lab (scores too), evidence and the virtual environment for good."
    if [[ -x $bin/python ]]; then stack down; fi
    rm -rf .lab evidence .venv
    ;;
  *) printf 'lab.sh: got %q, expected a command of the Makefile\n' "$command" >&2; exit 2 ;;
esac
