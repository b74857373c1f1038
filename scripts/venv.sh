# Sourced by the scripts beside it: makes .venv and keeps it installed. Sets $root and $venv.
#
#   ensure_installed [EXTRA...]   quiet when pyproject.toml and the native sources have not changed
#   install_now [EXTRA...]        always installs, and so rebuilds the native parts in place
#
# PYTHON chooses the interpreter that .venv is made with; CC the C compiler.

DEBIAN="Debian, Ubuntu: apt install gcc libc6-dev python3 python3-venv python3-dev"
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
    die "no Python 3.11 or newer was found (python3: $(python3 --version 2>/dev/null || echo none))" \
        "install one ($DEBIAN;" \
        "Debian 12 and Ubuntu 24.04 have it), or name it: PYTHON=/path/to/python3.12 $0"
}

# One that was never installed into, and is still marked, was cut off somewhere: anything may be missing.
is_whole() {
    [[ ! -f "$venv/.unfinished" || -f "$(stamp_of)" ]] &&
        [[ -x "$venv/bin/python" ]] && is_new_enough "$venv/bin/python" &&
        "$venv/bin/python" -m pip --version >/dev/null 2>&1
}

make_venv() {
    local python log
    [[ "$(uname -s)" == Linux ]] || die "this runs on Linux only: it needs futexes and /dev/shm"
    ! is_whole || return 0
    python="$(find_python)" || exit 2
    [[ ! -f "$venv/.unfinished" ]] || echo "an installation was interrupted before: .venv is made anew" >&2
    echo "making .venv with $("$python" --version)" >&2
    "$python" -c 'import ensurepip, venv' 2>/dev/null || die "$python cannot make a virtual environment" \
        "install its venv module ($DEBIAN)"
    mkdir -p -- "$venv"
    : >"$venv/.unfinished" # stays until pip is there: while this empties the folder, too
    find "$venv" -mindepth 1 -maxdepth 1 ! -name .unfinished -exec rm -rf -- {} +
    log="$venv/install.log"
    at_work "$log" "$python" -m venv "$venv" || {
        tail -n 20 -- "$log" >&2
        die "the virtual environment could not be made; what was said is above"
    }
    rm -- "$venv/.unfinished"
}

# The native parts need a compiler and Python's headers; both are better missed here than inside pip.
check_compiler() {
    (cd -- "$root" && "$venv/bin/python" -B -c 'import setup; setup.check_compiler()') || exit 2
}

stamp_of() {
    printf '%s/.installed%s\n' "$venv" "${1:+-$1}"
}

is_installed() {
    local stamp
    stamp="$(stamp_of "${1:-}")"
    # The stamp holds the place: after the clone is moved, the paths in .venv are wrong.
    [[ -f "$stamp" && "$(<"$stamp")" == "$root" && ! -f "$venv/.unfinished" ]] || return 1
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
    done
}

# at_work LOG COMMAND...: in a process group of its own, all of which ends when this script is ended.
at_work() {
    local log="$1" job status=0
    shift
    set -m
    "$@" </dev/null >"$log" 2>&1 &
    job=$!
    set +m
    trap 'cut_off "$job" 130' INT
    trap 'cut_off "$job" 143' TERM HUP
    wait "$job" || status=$?
    trap - INT TERM HUP
    return $status
}

cut_off() {
    local tries
    trap '' INT TERM HUP
    kill -INT -- "-$1" 2>/dev/null || true # pip takes its temporary folders away
    for tries in {1..50}; do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL -- "-$1" ${tail:+"$tail"} 2>/dev/null || true
    printf '\n%s: interrupted: run it again, and it goes on\n' "$(basename -- "$0")" >&2
    exit "$2"
}

# pip_install LOG ARGUMENT...
pip_install() {
    local log="$1" said tail follower status=0
    shift
    export FEEDHANDLER_PROGRESS="$venv/.progress"
    : >"$log"
    : >"$FEEDHANDLER_PROGRESS"
    exec {said}< <(exec tail -q -n +1 -F --pid=$$ -- "$log" "$FEEDHANDLER_PROGRESS" 2>/dev/null)
    tail=$!
    follow <&"$said" &
    follower=$!
    exec {said}<&-
    at_work "$log" "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off "$@" ||
        status=$?
    kill -- "$tail" 2>/dev/null || true
    wait "$follower" 2>/dev/null || true
    [[ ! -t 2 ]] || printf '\r\033[K' >&2
    return $status
}

# What pip's words mean, where the cure is not among them.
die_of_pip() {
    local log="$1"
    if grep -qE 'NewConnectionError|ConnectTimeoutError|NameResolutionError|ProxyError|name resolution' -- "$log"; then
        grep -m 1 -E '^(ERROR|  ERROR).*' -- "$log" >&2 || true
        die "pip does not reach the index of packages" \
            "is there a network? A proxy is named in HTTPS_PROXY, an index of your own in PIP_INDEX_URL;" \
            "a host without either takes a wheel, and those that it needs: docs/operations.md, Install"
    fi
    if grep -q CERTIFICATE_VERIFY_FAILED -- "$log"; then
        die "pip does not trust the certificate of the index of packages" \
            "something between here and there has one of its own: name its authorities in PIP_CERT=/path/to/ca.crt"
    fi
    tail -n 40 -- "$log" >&2
    die "the installation failed; what pip said is above, and whole in .venv/install.log"
}

install_here() {
    local extra wanted log again isolation=()
    again="$([[ ! -f "$venv/.unfinished" ]] || echo yes)"
    make_venv
    check_compiler
    wanted="$root"
    [[ $# -eq 0 ]] || wanted="$root[$(IFS=,; echo "$*")]"
    log="$venv/install.log"
    # The dev extra holds all that the build needs: then it is not fetched anew each time.
    [[ ! -f "$(stamp_of dev)" ]] || isolation=(--no-build-isolation)
    touch -- "$venv/.unfinished" # what changes while this builds is newer than the stamps
    echo "installing into .venv and building the native parts: two or three minutes" >&2
    if ! pip_install "$log" "${isolation[@]}" --editable "$wanted"; then
        # What was cut off may have left half a package, with which pip never ends well.
        if [[ -n "$again" && -f "$(stamp_of)" ]]; then
            rm -f -- "$venv"/.installed*
            install_here "$@"
            return
        fi
        [[ -f "$(stamp_of)" ]] || rm -f -- "$venv/.unfinished" # nothing was put into it
        die_of_pip "$log"
    fi
    for extra in '' "$@"; do
        printf '%s\n' "$root" >"$(stamp_of "$extra")"
        touch -r "$venv/.unfinished" -- "$(stamp_of "$extra")"
    done
    rm -f -- "$venv/.unfinished"
}

# One installation at a time in a clone. What a killed one left at work holds the lock, too.
alone() {
    local lock
    if ! command -v flock >/dev/null; then
        "$@"
        return
    fi
    exec {lock}<"$root"
    flock --nonblock "$lock" || {
        echo "another installation is at work in this clone: waiting for its end" >&2
        flock "$lock"
    }
    "$@"
    exec {lock}<&-
}

install_now() {
    alone install_here "$@"
}

is_all_installed() {
    local extra
    if [[ "${1:-}" == test ]] && is_installed dev; then return; fi # dev contains test
    for extra in '' "$@"; do
        is_installed "$extra" || return 1
    done
}

install_what_lacks() { # another may have done it while this one waited
    is_all_installed "$@" || install_here "$@"
}

ensure_installed() {
    is_all_installed "$@" || alone install_what_lacks "$@"
}
