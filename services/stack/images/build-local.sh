#!/usr/bin/env -S bash -p
# Builds every image of the lab without an image registry: a base from Debian's packages, the servers from Debian's
# packages, Toxiproxy with Go, the lab itself from its locked Python packages. As root (mmdebstrap makes a root
# filesystem), on Debian or Ubuntu. Images that exist are kept; IMAGES_AGAIN=1 builds all of them again.
#
#   DEBIAN_SUITE=bookworm   MIRROR=…   a mirror of your own, for machines without internet access
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/../../.."
# shellcheck source=launch/environment.sh
. launch/environment.sh
toxiproxy=2.12.0
suite=${DEBIAN_SUITE:-bookworm}
say() { printf '%-13s %s\n' image "$*" >&2; }
fail() { printf '%s\n' "$2" >&2; exit "$1"; }
is_there() { [[ -z ${IMAGES_AGAIN:-} ]] && docker image inspect "$1" >/dev/null 2>&1; }
quietly() { # WHAT COMMAND…
  local what=$1 log
  shift
  log=$(mktemp)
  say "$what"
  if ! "$@" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail 4 "$what: failed (whole output: $log)"
  fi
  rm -f "$log"
}
export DOCKER_BUILDKIT=0 # the classic builder: Debian's engine does not include the BuildKit plugin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! is_there firedrill-local/base:bookworm; then
  command -v mmdebstrap >/dev/null || fail 2 "mmdebstrap: got no such command, expected it: apt-get install mmdebstrap; or STACK=local make up needs no image"
  quietly "base: Debian $suite with Python" mmdebstrap --variant=minbase --include=ca-certificates,python3,python3-venv \
    "$suite" "$work/base.tar" ${MIRROR:+"$MIRROR"}
  quietly "base: import" docker import "$work/base.tar" firedrill-local/plain:bookworm
  rm "$work/base.tar"
  # This machine's certificates: behind a gateway with a certificate of its own, pip in a build would trust no server.
  mkdir -p "$work/base/etc/ssl/certs"
  cp -L /etc/ssl/certs/ca-certificates.crt "$work/base/etc/ssl/certs/ca-certificates.crt"
  printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$work/base/etc/pip.conf"
  printf 'FROM firedrill-local/plain:bookworm\nCOPY etc /etc/\n' >"$work/base/Dockerfile"
  quietly "base: certificates" docker build --tag firedrill-local/base:bookworm "$work/base"
fi
if ! is_there firedrill-local/toxiproxy:$toxiproxy; then
  command -v go >/dev/null || fail 2 "go: got no such command, expected Go 1.23 or newer to build Toxiproxy; or STACK=local make up"
  mkdir "$work/toxiproxy"
  quietly "toxiproxy: build $toxiproxy with Go" env CGO_ENABLED=0 GOBIN="$work/toxiproxy" GOFLAGS=-buildvcs=false \
    go install -ldflags "-s -w -X github.com/Shopify/toxiproxy/v2.Version=$toxiproxy" \
    "github.com/Shopify/toxiproxy/v2/cmd/server@v$toxiproxy" "github.com/Shopify/toxiproxy/v2/cmd/cli@v$toxiproxy"
  mv "$work/toxiproxy/server" "$work/toxiproxy/toxiproxy"
  mv "$work/toxiproxy/cli" "$work/toxiproxy/toxiproxy-cli"
  quietly "toxiproxy: image" docker build --file services/stack/images/Dockerfile.toxiproxy \
    --tag "firedrill-local/toxiproxy:$toxiproxy" "$work/toxiproxy"
fi
for image in postgres:15 redis:7.0 prometheus:2.42; do
  is_there "firedrill-local/$image" || quietly "$image from Debian's packages" docker build \
    --file services/stack/images/Dockerfile.servers --target "${image%%:*}" --tag "firedrill-local/$image" services/stack/images
done
mkdir -p .lab/compose
printf local >.lab/compose/images # from now on this checkout uses them
if [[ -n ${SUDO_UID:-} ]]; then chown "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" .lab .lab/compose .lab/compose/images; fi # `make up` needs no root
say "done: make up uses them"
