#!/usr/bin/env bash
# Prepares .venv, then runs main.py with all arguments. tests/run.sh sources this file and only prepares .venv.
set -euo pipefail
unset PYTHONHOME PYTHONPATH PYTHONSAFEPATH # they could hide this project's packages or add those of another Python

project="$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")"
python="$project/.venv/bin/python"
python_versions="cpython>=3.11,<3.14" # as in pyproject.toml

# Prints the only full text on the options. It needs no .venv.
usage() {
    cat <<'END'
Makes synthetic rows that match the original rows in all one-, two- and three-way contingency tables: trains MOSTLY AI
generators on TRAINING, fills a large pool with synthetic rows, and selects from it as many rows as TRAINING has, or --rows.

usage: ./run.sh TRAINING [options]

  TRAINING           the original rows, at least 100, with a header: .csv or .csv.gz in UTF-8 (separated by commas,
                     semicolons, tabs or pipes), .tsv, .parquet or .xlsx (first sheet);
                     empty values and pandas' usual spellings (NA, null, ...) are missing values
  --pool POOL        select from these synthetic rows, of any source, instead of training generators; POOL needs the
                     columns of TRAINING (in any order, others are ignored) and at least as many rows as the result,
                     better 10 to 25 times as many
  --holdout HOLDOUT  original rows that are not in TRAINING: adds the accuracy and privacy figures of mostlyai-qa, takes
                     one to five minutes more, and does not change the result
  -o, --output DIR   put results/ and pool_data/ into DIR instead of this project's folder
  --draft            take a first look in about a minute: one small generator with a short training (DRAFT in main.py);
                     the names of the files contain _draft; not together with --pool
  --rows N           make N rows (at least 100) instead of as many as TRAINING has
  --seed N           start all randomness, of pool and selection, from N
  --exclude COLUMNS  leave columns of TRAINING out, such as --exclude id,name; they are neither trained nor written
  --set NAME=VALUE   take another value for a parameter of main.py, such as --set sample_size=10; may be repeated
  --verbose          log short steps as well
  --version          show the version
  --help             show this text

examples:
  ./run.sh examples/flights.csv
  ./run.sh examples/flights.csv --pool pool_data/flat_pool_20260131_0930.csv --output /tmp/flights

The parameters of the method are edited at the top of main.py.
The first call installs the packages of requirements.txt into .venv (about 5.5 GB). Later calls start at once.
Exit code: 0 done, 1 failed, 2 wrong call or input, 129 terminal closed, 130 interrupted, 143 terminated.
END
}

say() {
    printf 'run.sh: %s\n' "$*" >&2
}

fail() {
    say "$*"
    exit 1
}

# Makes .venv hold the packages of the given requirements files (paths from the project's folder). .venv keeps a copy of
# each file that is installed. If all copies are up to date, this needs no uv, no network and no permission to write.
prepare_environment() {
    (
        trap 'exit 130' INT # as in main; a subshell does not inherit it
        cd -- "$project"
        wait_for_other_runs
        if [[ -e .venv/unfinished ]] || ! python_works; then
            find_uv
            rm -rf .venv
            "$uv" venv --quiet --python "$python_versions" .venv ||
                fail "no Python $python_versions can be found or downloaded; install one and run again"
        fi
        for file in "$@"; do
            cmp -s "$file" ".venv/installed-${file//\//-}" || install_packages "$file"
        done
    ) 9<"$project/run.sh" >&2
}

# Only a Python that cannot run makes .venv unusable, and not one that was killed.
python_works() {
    local status=0
    "$python" -c "" 2>/dev/null || status=$?
    ((status < 128)) || fail "the Python in .venv was killed by signal $((status - 128)); run again"
    return "$status"
}

# The lock on descriptor 9 ends with the preparation, even if that is killed.
wait_for_other_runs() {
    if command -v flock >/dev/null && ! flock --nonblock 9; then
        say "waiting for another run to finish preparing .venv"
        flock 9
    fi
}

# If uv is killed, it can leave half a package, and it later takes that for a complete one. .venv/unfinished therefore
# stays until uv has succeeded. If the next call finds it, that call makes a new .venv.
install_packages() {
    find_uv
    say "installing the packages of $1 into .venv"
    cp "$1" .venv/unfinished
    "$uv" pip install --python "$python" --require-hashes --requirement "$1" ||
        fail "the packages of $1 could not be installed; mend the cause (see above) and run again"
    mv .venv/unfinished ".venv/installed-${1//\//-}"
}

# Sets `uv` to the machine's uv or to the one in .venv-uv, which it installs if neither works.
find_uv() {
    [[ -w . && (! -e .venv || -w .venv) ]] ||
        fail "$project: .venv is not ready, and you have no permission to write there; run it once as a user who has it"
    for uv in uv .venv-uv/bin/uv; do
        if "$uv" --version &>/dev/null; then
            return
        fi
    done
    say "uv is missing: installing it into .venv-uv"
    { python3 -m venv --clear .venv-uv && .venv-uv/bin/python -m pip install --quiet uv && "$uv" --version; } ||
        curl -LsSf https://astral.sh/uv/install.sh | UV_UNMANAGED_INSTALL="$project/.venv-uv/bin" sh ||
        fail "uv could not be installed by pip or by its installer; install it by hand: https://docs.astral.sh/uv"
}

# Users edit the parameters in main.py. A syntax error there is a wrong call and is reported in one line.
check_main() {
    "$python" -c '
import sys
try:
    compile(open(sys.argv[1], "rb").read(), sys.argv[1], "exec")
except SyntaxError as error:
    sys.exit(f"{sys.argv[1]}: line {error.lineno}: {error.msg}; correct this line or the lines above it")
' "$project/main.py" || exit 2
}

main() {
    local argument
    for argument in "$@"; do
        if [[ "$argument" == --help || "$argument" == -h ]]; then
            usage
            exit
        fi
        if [[ "$argument" == --version ]]; then
            sed -n '/^\[project\]/,/^$/ s/^\(name\|version\) = "\(.*\)"/\2/p' "$project/pyproject.toml" | paste -s -d ' ' -
            exit
        fi
    done
    if (($# == 0)); then
        usage >&2
        say "TRAINING is missing"
        exit 2
    fi
    # Without this, a Python that Ctrl-C has ended looks like one that does not work, and its .venv is made anew.
    trap 'say interrupted; exit 130' INT
    prepare_environment requirements.txt
    check_main
    exec "$python" "$project/main.py" "$@"
}

if [[ "${BASH_SOURCE[0]}" == "$0" ]]; then
    main "$@"
fi
