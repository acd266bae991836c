#!/usr/bin/env -S bash -p
# The lab as containers: what `make` does in Compose mode. It needs Docker with Compose and this shell, no Python.
#
# Exit codes: 0 done, 2 something that the caller can put right, 4 the lab is broken, 130 stopped by hand; a run has its own.
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=launch/environment.sh
. launch/environment.sh
# shellcheck source=services/stack/engine.sh
. services/stack/engine.sh
lab=.lab/compose
own_uid=65532 # user of the containers when root calls: no container runs as root
parts="agent api dashboard gateway mail postgres prometheus redis relay scorecard setup toxiproxy worker"
images=(base postgres:15 redis:7.0 prometheus:2.42 toxiproxy:2.12.0)

say() { printf '%-13s %s\n' "$1" "$2" >&2; }
fail() { printf '%s\n' "$2" >&2; exit "$1"; }

remembered() { # FILE DEFAULT
  # A file that a full disk left empty counts as never written.
  local found
  found=$(cat "$lab/$1" 2>/dev/null || true)
  if [[ $found =~ ^([0-9]{4,5}|official|local)$ ]]; then printf '%s' "$found"; else printf '%s' "$2"; fi
}

settings() { # variables for compose.yaml, from what was asked now or earlier
  local base=${FIREDRILL_BASE_PORT:-$(remembered base-port 18000)} form=${IMAGES:-$(remembered images official)}
  [[ $base =~ ^[0-9]{4,5}$ ]] && ((base >= 1024 && base <= 65515)) ||
    fail 2 "FIREDRILL_BASE_PORT: got '$base', expected a whole number from 1024 to 65515"
  [[ $form == official || $form == local ]] || fail 2 "IMAGES: got '$form', expected official or local"
  base_port=$base image_form=$form
  export FIREDRILL_API_PORT=$base FIREDRILL_DASHBOARD_PORT=$((base + 1))
  export FIREDRILL_PROMETHEUS_PORT=$((base + 2)) FIREDRILL_SCORECARD_PORT=$((base + 3))
  FIREDRILL_UID=$(id -u) FIREDRILL_GID=$(id -g)
  if [[ $FIREDRILL_UID == 0 ]]; then FIREDRILL_UID=$own_uid FIREDRILL_GID=$own_uid; fi
  export FIREDRILL_UID FIREDRILL_GID
  # Another clone is another project.
  export COMPOSE_PROJECT_NAME
  COMPOSE_PROJECT_NAME=firedrill-$(pwd -P | cksum | cut -d' ' -f1)
  export COMPOSE_FILE=compose.yaml
  if [[ $form == local ]]; then COMPOSE_FILE=compose.yaml:compose.local-images.yaml; fi
  export COMPOSE_PROGRESS=quiet DOCKER_CLI_HINTS=false
}

# First line of a .env that this script writes; a .env with another first line is not changed.
header="# Written by make up, so that plain docker compose commands find this lab; changes are lost."
somebody_elses_env() { [[ -e .env && $(head -n 1 .env) != "$header" ]]; }
remember() {
  printf '%s' "$base_port" >"$lab/base-port"
  printf '%s' "$image_form" >"$lab/images"
  if somebody_elses_env; then return; fi
  {
    printf '%s\n' "$header"
    local name
    for name in COMPOSE_PROJECT_NAME COMPOSE_FILE FIREDRILL_UID FIREDRILL_GID FIREDRILL_API_PORT \
      FIREDRILL_DASHBOARD_PORT FIREDRILL_PROMETHEUS_PORT FIREDRILL_SCORECARD_PORT; do
      printf '%s=%s\n' "$name" "${!name}"
    done
  } >.env
}

secret() { # NAME BYTES: made only once, since stored data depends on it
  local file=.lab/secrets/$1
  if [[ ! -s $file ]]; then
    (umask 077 && head -c "$2" /dev/urandom | od -An -tx1 | tr -d ' \n' >"$file.new" && mv "$file.new" "$file")
  fi
}

sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1; }

redis_users() { # who may do what in Redis, with the hashes of the passwords
  local file=.lab/secrets/redis_users shop_hash lab_hash
  shop_hash=$(sha256 <.lab/secrets/redis_shop)
  lab_hash=$(sha256 <.lab/secrets/redis_lab)
  (umask 077 && sed -e "s/SHA256_OF_redis_shop/$shop_hash/" -e "s/SHA256_OF_redis_lab/$lab_hash/" \
    services/stack/images/config/redis-users.acl >"$file.new" && mv "$file.new" "$file")
}

folders() { # makes every mounted folder, which the engine would else make as root; all but evidence are private to the owner
  mkdir -p evidence
  (umask 077 && mkdir -p .lab/secrets .lab/keep "$lab"/lab/{shop,log,run,keep,redis,prometheus-data} "$lab"/{gateway,mail,prometheus})
  chmod 700 .lab/secrets .lab/keep "$lab"/lab "$lab"/lab/{shop,log,run,keep,redis,prometheus-data} "$lab"/{gateway,mail,prometheus}
  local name
  for name in postgres redis_shop redis_lab supervisor lab_token shop_postgres scorecard_admin scorecard_secret_key; do secret "$name" 16; done
  secret shop_secret_key 32
  redis_users
  if [[ $(id -u) == 0 ]]; then
    chown -R "$own_uid:$own_uid" .lab/keep "$lab"/lab "$lab"/gateway "$lab"/mail "$lab"/prometheus .lab/secrets/*
    # Root owns what a run writes; the containers may write there as the group.
    chgrp "$own_uid" evidence services/shop
    chmod g+rwxs evidence services/shop
  fi
}

ours() { # after each command that may have written evidence: gives the evidence to the caller
  if [[ $(id -u) == 0 ]]; then
    find evidence services/shop -mindepth 1 -user "$own_uid" -exec chown -h 0 {} +
    find evidence services/shop -mindepth 1 -group "$own_uid" ! -type l -perm -g+r ! -perm -g+w -exec chmod g+w {} +
  fi
}

sources() { # a checksum over the files in the lab's image that are not replaced by a mount
  find .dockerignore Dockerfile pyproject.toml README.md requirements.in requirements.lock chaos dashboard launch loadtests services \
    -type f ! -path '*/__pycache__/*' ! -path '*/.mypy_cache/*' ! -path 'services/shop/*' ! -name '*.pyc' -print0 |
    LC_ALL=C sort -z | xargs -0 cksum | cksum | cut -d' ' -f1
}

tell_revision() { # writes the checkout's revision for chaos.drills.conclude, since a container has no git; empty when the host has none either
  GIT_CEILING_DIRECTORIES=$(dirname "$PWD") git -c safe.directory="$PWD" describe --always --abbrev=40 --dirty=+changes '--exclude=*' >"$lab/lab/git-revision" 2>/dev/null || true
}

image_is_there() { docker image inspect "$1" >/dev/null 2>&1; }

build_lab_image() { # only when the checkout's sources differ from the image's
  export FIREDRILL_SOURCES
  FIREDRILL_SOURCES=$(sources)
  [[ $(docker image inspect --format '{{index .Config.Labels "firedrill.sources"}}' firedrill/lab:local 2>/dev/null) != "$FIREDRILL_SOURCES" ]] ||
    return 0
  say image "building firedrill/lab:local"
  local log=$lab/build.log
  if ! docker compose build setup >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail 4 "firedrill/lab:local: got a build that failed (whole output: $log), expected an image; where no registry answers: make images-local, $without_docker"
  fi
  docker image prune --force --filter label=firedrill.sources >/dev/null 2>&1 || true # removes the previous image
}

require_images() {
  local image missing=()
  for image in $(docker compose config --images | grep -v '^firedrill/lab:' | sort -u); do
    image_is_there "$image" || missing+=("$image")
  done
  ((${#missing[@]})) || return 0
  if [[ $image_form == local ]]; then
    fail 2 "images: got no ${missing[*]}, expected them built here: make images-local, $without_docker"
  fi
  for image in "${missing[@]}"; do
    say image "pulling $image"
    docker pull --quiet "$image" >/dev/null 2>"$lab/pull.log" ||
      fail 2 "image $image: got $(tail -n 1 "$lab/pull.log"), expected to pull it; make images-local builds all of them without a registry, $without_docker"
  done
}

is_up() { [[ -n $(docker compose ps --quiet --status running agent 2>/dev/null) ]]; }

require_free_ports() {
  local name port
  for name in API DASHBOARD PROMETHEUS SCORECARD; do
    name=FIREDRILL_${name}_PORT
    port=${!name}
    if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      fail 4 "port $port ($(tr '[:upper:]_' '[:lower:] ' <<<"${name#FIREDRILL_}")): held by another process, expected free; stop it or choose another base port: make up BASE_PORT=$((base_port + 1000 < 64000 ? base_port + 1000 : 18000))"
    fi
  done
}

up() {
  local start=$SECONDS
  folders
  build_lab_image
  tell_revision
  require_images
  if is_up; then
    if [[ $(remembered base-port "$base_port") != "$base_port" ]]; then
      fail 2 "base port: got $base_port, expected $(remembered base-port 18000), on which this stack runs; make down first"
    fi
  else
    require_free_ports
  fi
  remember
  say stack "starting containers ($image_form images)"
  if ! docker compose up --detach --wait --wait-timeout 150 --remove-orphans >"$lab/up.log" 2>&1; then
    explain
    fail 4 "stack: got containers that did not get ready, expected all of them; see above, or make logs; $without_docker"
  fi
  printf '\nstack is up: every part ready after %s s\n' $((SECONDS - start))
  urls
}

explain() { # the engine's last lines, and the end of the log of each container that is not healthy
  grep -v '^$' "$lab/up.log" | tail -n 5 >&2
  local name
  for name in $(docker compose ps --all --format '{{.Service}} {{.State}} {{.Health}} {{.ExitCode}}' |
    awk '!($2 == "running" && $3 != "unhealthy" && $3 != "starting") && !($1 == "setup" && $4 == "0") {print $1}'); do
    printf '  end of the log of %s:\n' "$name" >&2
    docker compose logs --no-color --no-log-prefix --tail 12 "$name" 2>&1 | sed 's/^/    /' >&2
  done
}

urls() {
  printf 'API         http://127.0.0.1:%s\ndashboard   http://127.0.0.1:%s\nPrometheus  http://127.0.0.1:%s\n' \
    "$FIREDRILL_API_PORT" "$FIREDRILL_DASHBOARD_PORT" "$FIREDRILL_PROMETHEUS_PORT"
  printf 'scorecard   http://127.0.0.1:%s/admin/  user admin, password in %s\n' \
    "$FIREDRILL_SCORECARD_PORT" "$PWD/.lab/secrets/scorecard_admin"
  if [[ ${FIREDRILL_GRAFANA:-0} != 0 ]]; then
    echo 'Grafana     not started in Compose mode by this: docker compose -f compose.yaml -f compose.grafana.yaml up -d --no-deps grafana'
  fi
}

in_agent() { # runs a command in the agent's container, where runs are started; Ctrl-C reaches it without a terminal, too
  local tty=() code=0
  if [[ ! -t 0 || ! -t 1 ]]; then
    tty=(-T)
    trap 'docker compose exec -T agent bash -c '\''kill -INT $(sed -n "s/.*(pid \([0-9]*\)).*/\1/p" /lab/run.lock)'\'' 2>/dev/null || true' INT TERM
  fi
  docker compose exec ${tty[@]+"${tty[@]}"} agent "$@" || code=$?
  trap - INT TERM
  ours
  return "$code"
}

down() {
  # With an option (--volumes) there may be data to remove although nothing runs.
  if [[ $# == 0 && -z $(docker compose ps --all --quiet) && -z $(docker network ls --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME") ]]; then
    echo 'stack was down already'
    return
  fi
  docker compose down --remove-orphans --timeout 8 "$@"
  ours
  echo 'stack is down'
}

sure() {
  local answer=""
  printf '%s\nType yes to go on: ' "$1" >&2
  read -r answer || true
  [[ $answer == yes ]] || { printf '\nnothing was removed\n' >&2; exit 2; }
}

doctor() {
  local image state
  printf 'mode          compose: %s\n' "$reason"
  printf 'engine        %s\nCompose       %s\n' "$engine_version" "$compose_version"
  printf 'stack         %s · base port %s · %s\n' "$(is_up && echo runs || echo 'is down')" "$base_port" "$PWD/$lab"
  printf 'images        %s (IMAGES=official|local chooses; make images-local builds the local ones)\n' "$image_form"
  for image in $(docker compose config --images | sort -u); do
    state="here"
    image_is_there "$image" || state="MISSING: $([[ $image == firedrill* ]] && echo "built by make up or make images-local" || echo "pulled by make up")"
    printf '  %-38s %s\n' "$image" "$state"
  done
  df -Pk . | awk 'NR == 2 {printf "disk          %d MB free\n", $4 / 1024}'
  is_up || require_free_ports
}

main() {
  local command=$1 was_up
  shift
  settings
  case $command in
    up) up ;;
    down) down ;;
    status)
      if is_up; then in_agent python -m services.stack status; else echo "stack is down (base port $base_port, $PWD/$lab): make up"; fi
      ;;
    logs)
      case " $parts " in *" ${P:-agent} "*) ;; *) fail 2 "logs: got '$P', expected one of $parts" ;; esac
      if [[ -z ${P:-} ]]; then docker compose logs --tail 20; fi
      case ${P:-api worker relay} in
        api* | worker | relay) in_agent python -m services.stack logs ${P:-api worker relay} ;;
        *) docker compose logs --no-log-prefix --tail 20 "$P" ;;
      esac
      ;;
    reset)
      was_up=no
      if is_up; then was_up=yes; fi
      down --volumes
      rm -rf "$lab"/lab "$lab"/gateway "$lab"/mail "$lab"/prometheus
      echo 'the data of the shop is gone; scores (.lab/keep) and evidence are untouched'
      if [[ $was_up == yes ]]; then up; fi
      ;;
    doctor) find_engine || fail 2 "$engine_problem"; reason=$(services/stack/lab.sh mode); reason=${reason#*: }; doctor ;;
    dashboard)
      up
      printf 'http://127.0.0.1:%s\n' "$FIREDRILL_DASHBOARD_PORT"
      if [[ $(uname) == Darwin ]]; then open "http://127.0.0.1:$FIREDRILL_DASHBOARD_PORT" || true
      elif [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]]; then xdg-open "http://127.0.0.1:$FIREDRILL_DASHBOARD_PORT" >/dev/null 2>&1 || true; fi
      ;;
    firedrill)
      is_up && [[ $(docker image inspect --format '{{index .Config.Labels "firedrill.sources"}}' firedrill/lab:local) == "$(sources)" ]] || up >&2
      tell_revision
      in_agent firedrill "$@"
      ;;
    images-local) exec services/stack/images/build-local.sh ;;
    clean-all)
      sure "This removes the containers, volumes and images of the lab, .lab (scores too), .venv and evidence for good."
      down --volumes
      for image in firedrill/lab:local "${images[@]/#/firedrill-local/}"; do docker image rm --force "$image" >/dev/null 2>&1 || true; done
      rm -rf .lab evidence .venv
      somebody_elses_env || rm -f .env
      ;;
    *) fail 2 "compose.sh: got '$command', expected a command of the Makefile" ;;
  esac
}

main "$@"
