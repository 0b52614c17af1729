#!/usr/bin/env bash
# Prepares .venv, then runs main.py with all arguments. tests/run.sh sources this file for the preparation alone.
set -euo pipefail
unset PYTHONHOME PYTHONPATH PYTHONSAFEPATH # the packages of another Python stay out, and those of the project in

project="$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")"
python="$project/.venv/bin/python"
own_uv="$project/.venv-uv/bin/uv"
python_versions="cpython>=3.11,<3.14" # as in pyproject.toml

usage() {
    cat <<'END'
Synthetic rows that match the tables of the original ones: trains MOSTLY AI generators on TRAINING, fills a large pool
with synthetic rows, and selects as many of them as TRAINING has, so that all one-, two- and three-column tables agree.

usage: ./run.sh TRAINING [--pool POOL] [--holdout HOLDOUT] [--output DIR] [--draft]

  TRAINING           the original rows: .csv, .csv.gz or .parquet, with column names
  --pool POOL        select from these synthetic rows (any source, TRAINING's columns) instead of training generators
  --holdout HOLDOUT  original rows that TRAINING does not have: for mostlyai-qa's accuracy and privacy figures alone
  --output DIR       put results/ and pool_data/ into DIR instead of this project's folder
  --draft            a first look in about a minute: one small generator, shortly trained; files are named ..._draft
  --help             show this and end

examples:
  ./run.sh examples/flights.csv
  ./run.sh examples/flights.csv --pool pool_data/flat_pool_20260131_0930.csv --output /tmp/flights

The first call installs the packages of requirements.txt into .venv (about 5.5 GB); later calls start at once.
Exit code: 0 done, 1 failed, 2 wrong call or input, 130 interrupted, 143 terminated.
END
}

say() {
    printf 'run.sh: %s\n' "$*" >&2
}

fail() {
    say "$*"
    exit 1
}

# Makes .venv hold the given requirements files, paths from the project's folder; at once when it already does.
prepare_environment() {
    (
        cd -- "$project"
        wait_for_other_runs
        if [[ -e .venv/unfinished ]] || ! "$python" -c "" 2>/dev/null; then
            make_venv
        fi
        for requirements in "$@"; do
            install_requirements "$requirements"
        done
    ) 9<"$project/run.sh"
}

# The lock on descriptor 9 falls when the preparation ends, however it ends.
wait_for_other_runs() {
    if command -v flock >/dev/null && ! flock --nonblock 9; then
        say "waiting for another run to finish preparing .venv"
        flock 9
    fi
}

make_venv() {
    local uv
    require_permission
    uv="$(find_uv)"
    rm -rf .venv
    "$uv" venv --quiet --python "$python_versions" .venv ||
        fail "no Python $python_versions could be found or downloaded; install one, then run again"
}

require_permission() {
    [[ -w . && (! -e .venv || -w .venv) ]] ||
        fail "$project: no permission to write there, and .venv is not ready; run it once as somebody who has it"
}

# A copy of the file stays in .venv: named unfinished until all its packages are in, so that an install that was
# broken off is never built upon, and then by the file, to tell whether that has changed.
install_requirements() {
    local uv installed=".venv/installed-${1//\//-}"
    if ! cmp -s "$1" "$installed"; then
        require_permission
        uv="$(find_uv)"
        say "installing the packages of $1 into .venv"
        cp "$1" .venv/unfinished
        "$uv" pip install --python "$python" --require-hashes --requirement "$1" ||
            fail "the packages of $1 could not be installed, see above; run again once that is mended"
        mv .venv/unfinished "$installed"
    fi
}

# Prints the path of uv: the machine's, or one of the project's own, which it installs where there is none.
find_uv() {
    if uv --version &>/dev/null; then
        command -v uv
    else
        [[ -x "$own_uv" ]] || install_uv >&2
        printf '%s\n' "$own_uv"
    fi
}

install_uv() {
    say "uv is missing: installing it into .venv-uv"
    install_uv_with_pip || install_uv_with_its_installer ||
        fail "uv could not be installed, neither by pip nor by its installer; install it by hand: https://docs.astral.sh/uv"
}

install_uv_with_pip() {
    rm -rf .venv-uv
    python3 -m venv .venv-uv && .venv-uv/bin/python -m pip install --quiet uv && "$own_uv" --version
}

install_uv_with_its_installer() {
    rm -rf .venv-uv
    curl -LsSf https://astral.sh/uv/install.sh |
        UV_INSTALL_DIR="$project/.venv-uv/bin" UV_NO_MODIFY_PATH=1 sh && "$own_uv" --version
}

# The parameters stand in main.py, so that a slip in it is a wrong call: one line says where, as for any other.
check_main() {
    "$python" -c '
import ast, pathlib, sys
try:
    ast.parse(pathlib.Path(sys.argv[1]).read_bytes())
except SyntaxError as error:
    sys.exit(f"{sys.argv[1]}: line {error.lineno}: {error.msg}; correct it, or the lines above it")
' "$project/main.py" || exit 2
}

main() {
    if (($# == 0)); then
        usage >&2
        say "TRAINING is missing"
        exit 2
    fi
    local argument
    for argument in "$@"; do
        case "$argument" in
            -h | --help)
                usage
                exit 0
                ;;
        esac
    done
    prepare_environment requirements.txt
    check_main
    exec "$python" "$project/main.py" "$@"
}

if [[ "${BASH_SOURCE[0]}" == "$0" ]]; then
    main "$@"
fi
