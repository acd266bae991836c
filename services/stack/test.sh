#!/usr/bin/env -S bash -p
# Run pytest with the given arguments, in the environment of the lab's programs: DJANGO_SETTINGS_MODULE, PYTEST_ADDOPTS
# or PYTHONPATH of the caller would change the tests.
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=launch/environment.sh
. launch/environment.sh
exec .venv/bin/python -I -X utf8 -m pytest "$@"
