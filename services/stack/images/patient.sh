#!/bin/sh
# Health checks that cost a run nothing and a start no waiting: `patient.sh COMMAND…`. Docker asks a second after the last
# answer; engine 20.10 has no interval for the start alone. So the asking is paced here: until the first yes every half
# second within one check, after it once in ten seconds. POSIX sh: it also runs in the servers' own images.
mark=${TMPDIR:-/tmp}/.was-healthy
if [ -e "$mark" ]; then
  sleep 9
  exec "$@"
fi
left=50
until "$@"; do
  left=$((left - 1))
  [ "$left" -gt 0 ] || exit 1
  sleep 0.5
done
: >"$mark"
