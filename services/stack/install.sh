#!/usr/bin/env -S bash -p
# Make the virtual environment and install exactly what requirements-dev.lock names. Does nothing when nothing changed.
#
#   services/stack/install.sh          PYTHON=/path/to/python3.12 chooses the interpreter of a new environment
#
# Exit 2: the machine lacks something (one sentence says what and the command that gets it); 4: the installation failed.
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=launch/environment.sh
. launch/environment.sh
venv=.venv
stamp=$venv/.installed # what was installed, and the checkout that it was made for
say() { printf '%-13s %s\n' install "$*" >&2; }
fail() { printf '%s\n' "$2" >&2; exit "$1"; }

find_python() {
  local candidate oldest="sys.version_info >= (3, 11)" seen=""
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    if "$candidate" -I -c "import sys; sys.exit(not $oldest)" 2>/dev/null; then printf '%s' "$candidate"; return; fi
    seen+="${seen:+, }$candidate $("$candidate" -V 2>&1 | cut -d' ' -f2)"
  done
  fail 2 "python: got ${seen:-none}, expected 3.11 or newer; install one or name it: make PYTHON=/path/to/python3.12"
}

wanted=$(cat requirements-dev.lock requirements.in pyproject.toml launch/first.py | cksum)
made_for=$(sed -n 2p "$stamp" 2>/dev/null || true)
if [[ -x $venv/bin/python && -x $venv/bin/firedrill && $(sed -n 1p "$stamp" 2>/dev/null) == "$wanted" && $made_for == "$PWD" ]]; then exit 0; fi

# The environment is missing, its interpreter was removed, or the checkout was moved or copied: its paths are wrong then.
if [[ $made_for != "$PWD" ]] || ! "$venv/bin/python" -I -c '' 2>/dev/null; then
  python=$(find_python)
  version=$("$python" -I -c 'import sys; print(f"{sys.version_info[0]}.{sys.version_info[1]}")')
  "$python" -I -c 'import ensurepip, venv' 2>/dev/null ||
    fail 2 "$python $version: got no venv module, expected it; on Debian or Ubuntu: sudo apt-get install python3-venv"
  if [[ -n $made_for && $made_for != "$PWD" ]]; then say "the environment is the one of $made_for: it is made anew"; fi
  say "virtual environment with $("$python" -V 2>&1)"
  "$python" -I -m venv --clear "$venv" || fail 4 "$venv: could not be made with $python -m venv, see above"
  printf 'nothing yet\n%s\n' "$PWD" >"$stamp"
fi

log=$venv/install.log
total=$(grep -c '^[A-Za-z0-9]' requirements-dev.lock)
say "about $total packages from requirements-dev.lock (hashes are checked)"
progress() { # one line per package on a terminal (overwritten), every twentieth in a log
  local count=0 word name
  while read -r word name _; do
    if [[ $word == Installing ]]; then
      [[ -t 2 ]] && printf '\r\033[K' >&2
      say "unpacking $count packages"
    fi
    [[ $word == Collecting || $word == Requirement ]] || continue
    count=$((count + 1))
    if [[ -t 2 ]]; then printf '\r\033[K%-13s [%s/%s] %s' install "$count" "$total" "${name%%[!A-Za-z0-9._-]*}" >&2
    elif ((count % 20 == 0)); then say "[$count/$total] ${name%%[!A-Za-z0-9._-]*}"; fi
  done
  if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
}
pip() { "$venv/bin/python" -I launch/pip.py "$@"; }
if ! pip install --progress-bar off \
  --require-hashes -r requirements-dev.lock 2>&1 | tee "$log" | progress; then
  tail -n 15 "$log" >&2
  fail 4 "pip: could not install requirements-dev.lock (whole output: $log)"
fi
say "the firedrill command"
pip install --quiet \
  --no-deps --no-build-isolation --no-index --editable . >"$log" 2>&1 ||
  { tail -n 15 "$log" >&2; fail 4 "pip: could not install firedrill itself (whole output: $log)"; }
ln -sf ../../launch/firedrill "$venv/bin/firedrill"
packages=$("$venv/bin/python" -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cp launch/first.py "$packages/firedrill_first.py"
echo 'import firedrill_first' >"$packages/firedrill_first.pth"
printf '%s\n%s\n' "$wanted" "$PWD" >"$stamp"
say "done"
