#!/usr/bin/env bash
# Prepares .venv, checks format, lint, types and imports, and runs the tests. All arguments go to pytest, except --fast
# in the first place, which leaves out the slow tests: tests/run.sh --fast -k ipf
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../run.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../run.sh"
prepare_environment requirements.txt tests/requirements.txt
if [[ "${1-}" == --fast ]]; then
    set -- -m "not slow and not engine" "${@:2}"
fi

cd -- "$project"
"$python" -m ruff format --check .
"$python" -m ruff check .
"$python" -m mypy
imports="$("$(dirname "$python")/lint-imports" --no-cache --no-logo 2>&1)" || fail "$imports"
exec "$python" -m pytest "$@"
