#!/usr/bin/env bash
# What `make` does, in the mode that fits this machine: `lab.sh up|down|status|…`. See engine.sh for the choice.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=services/stack/engine.sh
. services/stack/engine.sh
bin=.venv/bin
command=${1:?usage: lab.sh COMMAND}
shift
choose_mode
if [[ $command == mode ]]; then printf '%s: %s\n' "$mode" "$reason"; exit; fi
if [[ $mode == compose ]]; then exec services/stack/compose.sh "$command" "$@"; fi

stack() { "$bin/python" -m services.stack "$@"; }
sure() { # asks; without a terminal the answer has to come from somewhere else
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
    url=$(stack status --json | "$bin/python" -c 'import json, sys; print(json.load(sys.stdin)["urls"]["dashboard"])')
    echo "$url"
    if [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} || $(uname) == Darwin ]]; then
      "$bin/python" -m webbrowser -t "$url" >/dev/null 2>&1 || true
    fi
    ;;
  firedrill) "$bin/firedrill" "$@" ;;
  clean-all)
    sure "This removes .lab (scores too), evidence and the virtual environment for good."
    if [[ -x $bin/python ]]; then stack down; fi
    rm -rf .lab evidence .venv
    ;;
  *) printf 'lab.sh: got %q, expected a command of the Makefile\n' "$command" >&2; exit 2 ;;
esac
