# Sourced by the scripts beside it: makes .venv and keeps it installed. Sets $root and $venv.
#
#   ensure_installed [EXTRA...]   quiet when pyproject.toml and the native sources have not changed
#   install_now [EXTRA...]        always installs, and so rebuilds the native parts in place
#
# PYTHON chooses the interpreter that .venv is made with; CC the C compiler.

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)"
venv="$root/.venv"

die() {
    printf '%s: %s\n' "$(basename -- "$0")" "$1" >&2
    shift
    printf '  %s\n' "$@" >&2
    exit 2
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    local candidate
    if [[ -n "${PYTHON:-}" ]]; then
        is_new_enough "$PYTHON" || die "PYTHON=$PYTHON is not a Python 3.11 or newer" \
            "set PYTHON to one that is, or unset it"
        printf '%s\n' "$PYTHON"
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.11 python3.14; do
        if is_new_enough "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    die "no Python 3.11 or newer was found" \
        "install one (Debian, Ubuntu: apt install python3 python3-venv python3-dev)," \
        "or name it: PYTHON=/path/to/python3.12 $0"
}

make_venv() {
    local python
    [[ "$(uname -s)" == Linux ]] || die "this runs on Linux only: it needs futexes and /dev/shm"
    # One that was interrupted while it was made has a Python, and no pip.
    if [[ -x "$venv/bin/python" ]] && is_new_enough "$venv/bin/python" &&
        "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        return
    fi
    python="$(find_python)" || exit 2
    echo "making .venv with $("$python" --version)" >&2
    "$python" -m venv --clear "$venv" >&2 || {
        [[ $? -ne 130 ]] || die "interrupted: run it again, and .venv is made anew"
        rm -rf -- "$venv"
        die "this Python cannot make a virtual environment" \
            "install its venv module (Debian, Ubuntu: apt install python3-venv)"
    }
}

# The native parts need a compiler and Python.h; both are better missed here than inside pip.
check_compiler() {
    local compiler include
    compiler="${CC:-$("$venv/bin/python" -c 'import sysconfig; print((sysconfig.get_config_var("CC") or "cc").split()[0])')}"
    if ! command -v "${compiler%% *}" >/dev/null; then
        for compiler in cc gcc clang; do
            command -v "$compiler" >/dev/null && export CC="$compiler" && break
        done
        command -v "${CC:-}" >/dev/null || die "no C compiler was found" \
            "install one (Debian, Ubuntu: apt install gcc), or name it: CC=/path/to/cc $0"
    fi
    include="$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("include"))')"
    [[ -f "$include/Python.h" ]] || die "Python.h is not in $include" \
        "install the headers of this Python (Debian, Ubuntu: apt install python3-dev)"
}

stamp_of() {
    printf '%s/.installed%s\n' "$venv" "${1:+-$1}"
}

is_installed() {
    local stamp
    stamp="$(stamp_of "${1:-}")"
    # The stamp holds the place: after the clone is moved, the paths in .venv are wrong.
    [[ -f "$stamp" && "$(<"$stamp")" == "$root" ]] || return 1
    [[ -x "$venv/bin/python" && -x "$venv/bin/feedhandler" ]] || return 1
    [[ -z "$(find "$root/pyproject.toml" "$root/setup.py" "$root/shm" "$root/feedhandler" -newer "$stamp" -type f \
        \( -name pyproject.toml -o -name setup.py -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.h' \) \
        -print -quit)" ]]
}

# Shows what pip and the build are at: on a terminal in one line that changes, else line by line.
follow() {
    local line end='\n' begin=''
    [[ ! -t 2 ]] || { end='' begin='\r\033[K'; }
    while IFS= read -r line; do
        case "$line" in
            "native module "*) line="building $line" ;;
            "Collecting "*) line="fetching ${line#Collecting }" ;;
            "Installing collected packages"*) line="putting the packages into .venv" ;;
            *) continue ;;
        esac
        printf "$begin  %s$end" "${line:0:76}" >&2
    done < <(tail -q -n +1 -F --pid=$$ -- "$@" 2>/dev/null)
}

# pip_install LOG ARGUMENT...: pip in the foreground, so that Ctrl-C ends it.
pip_install() {
    local log="$1" follower status=0
    shift
    export FEEDHANDLER_PROGRESS="$venv/.progress"
    : >"$log"
    : >"$FEEDHANDLER_PROGRESS"
    follow "$log" "$FEEDHANDLER_PROGRESS" &
    follower=$!
    trap 'kill -- "$follower" 2>/dev/null; die "interrupted: run it again, and it goes on"' INT
    "$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off "$@" \
        >"$log" 2>&1 || status=$?
    trap - INT
    pkill -P "$follower" 2>/dev/null || true
    kill -- "$follower" 2>/dev/null || true
    wait "$follower" 2>/dev/null || true
    [[ ! -t 2 ]] || printf '\r\033[K' >&2
    return $status
}

install_now() {
    local extra wanted log interrupted='' isolation=()
    make_venv
    [[ ! -f "$venv/.installing" || -f "$(stamp_of)" ]] || interrupted=1
    check_compiler
    wanted="$root"
    [[ $# -eq 0 ]] || wanted="$root[$(IFS=,; echo "$*")]"
    log="$venv/install.log"
    # The dev extra holds all that the build needs: then it is not fetched anew each time.
    [[ ! -f "$(stamp_of dev)" ]] || isolation=(--no-build-isolation)
    touch -- "$venv/.installing" # what changes while this builds is newer than the stamps
    echo "installing into .venv and building the native parts: a minute or two" >&2
    if ! pip_install "$log" "${isolation[@]}" --editable "$wanted"; then
        # What was cut off may have left half a package, with which pip never ends well.
        [[ -z "$interrupted" ]] || {
            echo "an installation was interrupted before: making .venv anew" >&2
            rm -rf -- "$venv"
            install_now "$@"
            return
        }
        tail -n 40 -- "$log" >&2
        die "the installation failed; what pip said is above, and whole in .venv/install.log"
    fi
    for extra in '' "$@"; do
        printf '%s\n' "$root" >"$(stamp_of "$extra")"
        touch -r "$venv/.installing" -- "$(stamp_of "$extra")"
    done
}

ensure_installed() {
    local extra missing=0
    if [[ "${1:-}" == test ]] && is_installed dev; then return; fi # dev contains test
    for extra in '' "$@"; do
        is_installed "$extra" || missing=1
    done
    [[ $missing -eq 0 ]] || install_now "$@"
}
