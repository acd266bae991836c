#!/usr/bin/env bash
# Health check of a container: `health.sh PORT PATH [ONCE]`: a GET answers 200. ONCE is asked instead of PATH until it
# has answered 200 for the first time. No curl, no Python: it runs every few seconds beside a measurement.
set -u
port=$1 path=$2 once=${3:-} mark=/tmp/.was-ready
[[ -n $once && ! -e $mark ]] && path=$once
exec 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$path" >&3
read -r -t 4 _ status _ <&3 || exit 1
cat <&3 >/dev/null # read to the end: a server whose answer is cut off would log an error
[[ $status == 200* ]] || exit 1
[[ -n $once ]] && : >"$mark"
exit 0
