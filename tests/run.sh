#!/usr/bin/env bash
# Formatter, linter, types and tests, in an environment that it prepares itself. All arguments go to pytest: tests/run.sh -k ipf
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../run.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../run.sh"
prepare_environment requirements.txt tests/requirements.txt

cd -- "$project"
"$python" -m ruff format --check .
"$python" -m ruff check .
"$python" -m mypy
exec "$python" -m pytest "$@"
