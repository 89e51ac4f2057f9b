#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test:
#   ./scripts/test.sh [--quick | --skip-slow]
#   --quick      only the ordinary build, without the slow tests and the sanitizers
#   --skip-slow  everything but the slow tests
#
# The sanitizers: build-asan/ (address and undefined, the whole suite but the slow tests) and build-tsan/ (what
# has threads: loop, rpc, pg, oauth, app, and the e2e tests of what crosses loops). Each step's duration is printed. Exits 0 only when
# all is well; the last line is ctest's summary of the ordinary build.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
export PATH=$root/.deps/bin:$PATH # setup.sh puts a newer Node there where Debian's is too old
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 # another clone of the same sources hits the same cache
jobs=$(nproc)
quick=no slow=yes failures=()

case ${1:-} in
    '') ;;
    --quick) quick=yes slow=no ;;
    --skip-slow) slow=no ;;
    --help) sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    *) printf '[test] unknown argument %q: see %s --help\n' "$1" "$0" >&2 && exit 64 ;;
esac

say() { printf '[test] %s\n' "$*"; }

# Runs a command as a named step, prints how long it took, returns its exit code.
step() { # name, command...
    local name=$1 start=$SECONDS code=0
    shift
    say "$name ..."
    "$@" || code=$?
    say "$name: $((SECONDS - start)) s$( ((code == 0)) || echo ", FAILED ($code)")"
    return "$code"
}
# The same, but a failure is remembered and the run goes on.
check() { step "$@" || failures+=("$1"); }

configure() { # folder, cmake arguments...
    local launcher=() log=$1/configure.log
    mkdir -p "$1"
    ! command -v ccache >/dev/null || launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
    cmake -S . -B "$1" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER=clang++-19 \
        "${launcher[@]}" "${@:2}" >"$log" 2>&1 || { cat "$log" >&2 && return 1; }
}
build() { # folder, targets...
    local log=$1/build.log
    ninja -C "$1" -j "$jobs" "${@:2}" >"$log" 2>&1 || { grep -vE '^\[[0-9]+/[0-9]+\] ' "$log" | tail -n 80 >&2 && return 1; }
}

install_clients() { # folder of tests: its npm packages, at the versions of its lock file
    local stamp=$1/node_modules/.fluxgate-stamp want
    want=$(cat "$1/package-lock.json" "$1/package.json" | sha256sum)
    [[ $(cat "$stamp" 2>/dev/null) != "$want" ]] || return 0
    npm ci --prefix "$1" --ignore-scripts --no-progress --loglevel=error && echo "$want" >"$stamp"
}

# ctest; the output of a failed test is shown, and a run of no test is a failure.
run_ctest() { # folder, ctest arguments...
    ctest --test-dir "$1" --parallel "$jobs" --output-on-failure --no-tests=error --no-label-summary \
        --timeout 300 "${@:2}"
}

address_sanitizer() {
    step "configure build-asan" configure build-asan -DFLUXGATE_SANITIZE=address -DFLUXGATE_BENCH=OFF || return 1
    step "build build-asan" build build-asan || return 1
    step "ctest build-asan" run_ctest build-asan --label-exclude 'slow|bench-smoke|conformance'
}

thread_sanitizer() {
    local folder code=0
    step "configure build-tsan" configure build-tsan -DFLUXGATE_SANITIZE=thread -DFLUXGATE_BENCH=OFF || return 1
    step "build build-tsan" build build-tsan fluxgate test_loop test_rpc test_pg test_oauth test_app || return 1
    for folder in loop rpc pg oauth app; do
        step "build-tsan test_$folder" "build-tsan/tests/$folder/test_$folder" --gtest_brief=1 || code=1
    done
    step "ctest build-tsan" run_ctest build-tsan --tests-regex '^e2e_(sdk_client|auth|rate_limit|sessions|streams)$' || code=1
    return "$code"
}

step "setup" ./scripts/setup.sh
step "configure build" configure build
step "build" build build
step "clients of the e2e tests" install_clients tests/e2e
step "conformance suite and its clients" install_clients tests/conformance
if [[ $quick == no ]]; then
    check "address sanitizer" address_sanitizer
    check "thread sanitizer" thread_sanitizer
fi

# Last, so that its summary ends the output.
selection=()
[[ $slow == yes ]] || selection=(--label-exclude slow)
check "tests" run_ctest build "${selection[@]}" > >(tee build/ctest.log)
wait # for tee
say "all steps: $SECONDS s"
((${#failures[@]} == 0)) || say "FAILED: $(IFS=,; echo "${failures[*]}")"
grep -E '% tests passed, [0-9]+ tests? failed out of' build/ctest.log | tail -n 1
((${#failures[@]} == 0))
