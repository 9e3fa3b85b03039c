#!/usr/bin/env bash
# The broker's tests on ib_async in place of ib_insync, then the whole suite on every other supported Python found here.
# Words after the script's name choose among them: tests/compat.sh ib_async 3.13
set -uo pipefail
cd "$(dirname "$0")/.."

SUPPORTED=(3.11 3.12 3.13)
MISSING=9
passed=() failed=() missing=()

# The path of a Python of that version with venv: on PATH, or one of pyenv's.
find_python() {
    local candidate
    for candidate in "python$1" "$HOME/.pyenv/versions/$1".*/bin/python; do
        if "$candidate" -c "import sys, venv, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# What an extra of pyproject.toml asks for, one requirement a line.
extra() {
    "$1" -c "import pathlib, tomllib
project = tomllib.loads(pathlib.Path('pyproject.toml').read_text())['project']
print(*project['optional-dependencies']['$2'], sep='\n')"
}

pip_of() {
    local folder=$1
    shift
    "$folder/bin/python" -m pip --quiet --disable-pip-version-check "$@"
}

# Brings an environment up to date when pyproject.toml is newer than its stamp; a command after it finishes the work.
environment() {
    local folder=$1 python=$2
    shift 2
    [ "$folder/.stamp" -nt pyproject.toml ] && return
    rm -rf "$folder"
    "$python" -m venv "$folder" && pip_of "$folder" install -e '.[dev]' && "$@" "$folder" && touch "$folder/.stamp"
}

swap_library() {
    local wanted
    mapfile -t wanted < <(extra "$1/bin/python" ib-async)
    # Before the other comes: two of its requirements are folders of the same name.
    pip_of "$1" uninstall --yes ib_insync eventkit nest_asyncio && pip_of "$1" install "${wanted[@]}"
}

on_ib_async() {
    local python version folder=.venv-compat-ib_async
    for version in "${SUPPORTED[@]}"; do
        python=$(find_python "$version") && break
    done
    [ -n "$python" ] || { echo "none of Python ${SUPPORTED[*]} was found"; return $MISSING; }
    echo "== the broker's tests on ib_async, Python $version"
    environment "$folder" "$python" swap_library || return 1
    "$folder/bin/python" -c 'from rules_engine.broker.library import NAME; assert NAME == "ib_async", NAME' || return 1
    "$folder/bin/pytest" -n 2 tests/broker
}

on_python() {
    local python folder=.venv-compat-$1
    python=$(find_python "$1") || { echo "== Python $1 is missing: not on PATH, not under ~/.pyenv/versions"; return $MISSING; }
    echo "== the whole suite on Python $1 ($python)"
    environment "$folder" "$python" true || return 1
    # Clients of the gateway run on a Python of their own, the same one whatever runs the gateway.
    "$folder/bin/pytest" -n 2 --ignore=tests/clients
}

chosen=("$@")
if [ ${#chosen[@]} -eq 0 ]; then
    ours=$([ -x .venv/bin/python ] && .venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    chosen=(ib_async)
    for version in "${SUPPORTED[@]}"; do
        [ "$version" = "$ours" ] || chosen+=("$version")
    done
fi
for one in "${chosen[@]}"; do
    case $one in
    ib_async) on_ib_async ;;
    *) on_python "$one" ;;
    esac
    case $? in
    0) passed+=("$one") ;;
    "$MISSING") missing+=("$one") ;;
    *) failed+=("$one") ;;
    esac
done
echo "== passed: ${passed[*]:-none}; failed: ${failed[*]:-none}; missing: ${missing[*]:-none}"
[ ${#failed[@]} -eq 0 ]
