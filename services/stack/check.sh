#!/usr/bin/env bash
# Everything that `make check` asks of the code. Runs all of it, then fails if any of it failed.
#
# Two variants of the shop can't be imported into one process, so mypy runs once per Django settings module.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bin=.venv/bin
failed=()
step() {
  local name=$1
  shift
  printf '%-13s %s\n' check "$name"
  "$@" || failed+=("$name")
}

step "ruff check" "$bin/ruff" check .
step "ruff format" "$bin/ruff" format --check --quiet .
step "imports" "$bin/lint-imports"
step "mypy" "$bin/mypy" chaos loadtests dashboard bench services/stack services/gateway services/toxiproxy
step "mypy scorecard" "$bin/mypy" --config-file services/scorecard/mypy.ini -p services.scorecard
unused=$(mktemp)
trap 'rm -f "$unused"' EXIT
echo unused >"$unused" # the settings want secrets; nothing is reached with them here
for variant in naive hardened; do
  configuration=$(mktemp)
  trap 'rm -f "$unused" "$configuration"' EXIT
  printf '%s\n' '[mypy]' 'python_version = 3.11' 'strict = True' 'warn_unreachable = True' \
    'plugins = mypy_django_plugin.main, mypy_drf_plugin.main' \
    '[mypy.plugins.django-stubs]' "django_settings_module = services.shop.$variant.settings" \
    '[mypy-celery.*,kombu.*,psycogreen.*,granian.*]' 'ignore_missing_imports = True' 'follow_imports = skip' >"$configuration"
  step "mypy $variant" env FIREDRILL_VARIANT="$variant" SHOP_POSTGRES_PASSWORD_FILE="$unused" SHOP_SECRET_KEY_FILE="$unused" \
    "$bin/mypy" --config-file "$configuration" --cache-dir ".mypy_cache/$variant" \
    -p services.shop.core -p "services.shop.$variant" -m services.shop.serve
  rm -f "$configuration"
done
if ((${#failed[@]})); then
  printf 'failed: %s\n' "${failed[*]}" >&2
  exit 1
fi
printf '%-13s %s\n' check "all passed"
