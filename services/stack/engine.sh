# shellcheck shell=bash
# Sourced: which mode the lab runs in, and why. Docker and a shell are all that it needs.
oldest_engine=20.10
oldest_compose=2.24
without_docker="or run the lab without Docker: STACK=local"

at_least() { # VERSION OLDEST: by major and minor number
  local got_major got_minor want_major want_minor
  IFS=. read -r got_major got_minor _ <<<"${1#v}"
  IFS=. read -r want_major want_minor _ <<<"$2"
  got_major=${got_major//[!0-9]*/} got_minor=${got_minor//[!0-9]*/}
  ((10#${got_major:-0} > 10#$want_major || (10#${got_major:-0} == 10#$want_major && 10#${got_minor:-0} >= 10#$want_minor)))
}

patiently() { # a remote engine that swallows packets must not hang the caller
  if command -v timeout >/dev/null 2>&1; then timeout 15 "$@"; else "$@"; fi
}

find_engine() { # sets engine_version and compose_version; fails with engine_problem, one sentence
  local answer
  engine_version="" compose_version="" engine_problem=""
  if ! command -v docker >/dev/null 2>&1; then
    engine_problem="docker: got no such command, expected Docker $oldest_engine or newer with Compose; install it, $without_docker"
    return 1
  fi
  if ! answer=$(patiently docker version --format '{{.Server.Version}}' 2>&1); then
    answer=$(grep -v '^[[:space:]]*$' <<<"$answer" | tail -n 1 || true)
    engine_problem="docker: got no answer from an engine (${answer:-nothing in 15 s}), expected it to run and to let you in; start it or join its group, $without_docker"
    return 1
  fi
  engine_version=${answer##*$'\n'}
  if ! at_least "$engine_version" "$oldest_engine"; then
    engine_problem="docker: got engine $engine_version, expected $oldest_engine or newer; update it, $without_docker"
    return 1
  fi
  if ! compose_version=$(docker compose version --short 2>/dev/null) || [[ -z $compose_version ]]; then
    engine_problem="docker compose: got no such command, expected the Compose plugin $oldest_compose or newer; install it, $without_docker"
    return 1
  fi
  # A Compose built by hand has the version `dev`, which can't be compared and is accepted.
  if [[ $compose_version != dev ]] && ! at_least "$compose_version" "$oldest_compose"; then
    engine_problem="docker compose: got version $compose_version, expected $oldest_compose or newer; update the plugin, $without_docker"
    return 1
  fi
}

choose_mode() { # sets mode and reason; exit 2 when what STACK asks for can't be had
  case ${STACK:-} in
    local) mode=local reason="STACK=local says so" ;;
    compose)
      mode=compose reason="STACK=compose says so"
      find_engine || { printf '%s\n' "$engine_problem" >&2; exit 2; }
      ;;
    "")
      if [[ -e ${FIREDRILL_LAB_DIR:-.lab}/stack.json ]]; then
        mode=local reason="a stack of local processes is up (make down ends it)"
      elif find_engine; then
        mode=compose reason="Docker $engine_version with Compose $compose_version answers"
      else
        mode=local reason=$engine_problem
      fi
      ;;
    *) printf 'STACK: got %q, expected local or compose (or nothing: an engine that answers is used)\n' "$STACK" >&2; exit 2 ;;
  esac
}
