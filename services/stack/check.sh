#!/usr/bin/env -S bash -p
# All checks of `make check`. Runs all of them, then fails if any of them failed.
#
# Two variants of the shop can't be imported into one process, so mypy runs once per Django settings module.
set -uo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=launch/environment.sh
. launch/environment.sh
bin=.venv/bin
failed=()
step() {
  local name=$1
  shift
  printf '%-13s %s\n' check "$name"
  "$@" || failed+=("$name")
}

quietly() { "$@" >/dev/null; }

step "ruff check" "$bin/ruff" check .
step "ruff format" "$bin/ruff" format --check --quiet .
step "mutants" "$bin/python" -m services.stack.mutants
step "drafts" "$bin/python" -m services.stack.drafts
step "samples" "$bin/python" -m services.stack.samples
step "mutants' names" quietly "$bin/firedrill" mutants
step "imports" "$bin/lint-imports"
step "mypy" "$bin/mypy" chaos launch loadtests dashboard bench services/stack services/gateway services/mail services/toxiproxy
step "mypy scorecard" "$bin/mypy" --config-file services/scorecard/mypy.ini -p services.scorecard
step "mypy tests" "$bin/mypy" --config-file tests/mypy.ini --cache-dir .mypy_cache/tests --explicit-package-bases tests
unused=$(mktemp)
trap 'rm -f "$unused"' EXIT
echo unused >"$unused" # the settings need secrets; they are not used here
for variant in naive hardened; do
  step "mypy $variant" env FIREDRILL_VARIANT="$variant" DJANGO_SETTINGS_MODULE="services.shop.$variant.settings" SHOP_POSTGRES_PASSWORD_FILE="$unused" SHOP_SECRET_KEY_FILE="$unused" \
    "$bin/mypy" --config-file services/shop/mypy.ini --cache-dir ".mypy_cache/$variant" \
    -p services.shop.core -p "services.shop.$variant" -m services.shop.serve
done
if ((${#failed[@]})); then
  printf 'failed: %s\n' "${failed[*]}" >&2
  exit 1
fi
printf '%-13s %s\n' check "all passed"
