#!/usr/bin/env bash
# The part of the official PostgreSQL image's entry point that compose.yaml uses: make the cluster once, then become the
# server.
set -euo pipefail
: "${PGDATA:?}" "${POSTGRES_USER:?}" "${POSTGRES_PASSWORD_FILE:?}"
if ! getent passwd "$(id -u)" >/dev/null; then # the server needs a name for the user that runs it
  printf 'postgres:x:%s:%s::/tmp:/bin/false\n' "$(id -u)" "$(id -g)" >/tmp/passwd
  printf 'postgres:x:%s:\n' "$(id -g)" >/tmp/group
  export NSS_WRAPPER_PASSWD=/tmp/passwd NSS_WRAPPER_GROUP=/tmp/group
  LD_PRELOAD=$(find /usr/lib -name libnss_wrapper.so | head -n 1)
  export LD_PRELOAD
fi
if [[ ! -s $PGDATA/PG_VERSION ]]; then
  rm -rf "$PGDATA.partial" # an earlier start was cut short
  # shellcheck disable=SC2086 # several words on purpose
  initdb --pgdata="$PGDATA.partial" --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" ${POSTGRES_INITDB_ARGS:-}
  printf '\nhost all all all scram-sha-256\n' >>"$PGDATA.partial/pg_hba.conf"
  rm -rf "$PGDATA"
  mv "$PGDATA.partial" "$PGDATA"
fi
unset LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
exec "$@"
