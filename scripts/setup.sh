#!/usr/bin/env bash
# Installs what fluxgate needs to build, test and run, on Debian 12 or 13:
#   ./scripts/setup.sh [--bench] [--no-node]
#   --bench     also what only the benchmarks and comparisons need (nginx, wrk)
#   --no-node   leave Node alone (only the MCP client tests need it)
#
# Every step looks first at what is there, so a second run changes nothing and takes no time. Run it
# as root, or as yourself with sudo at hand. What Debian does not package for this release goes to
# .deps/ in the project; cmake/Deps.cmake looks there first. `rm -rf .deps` starts over.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
deps=$root/.deps log=$root/.deps/setup.log

# What Debian 12 takes from Debian 13. Where the exact version is gone, a newer Debian revision of
# the same upstream version will do, and is reported; anything else is refused.
liburing_pin=2.9-1
llhttp_pin=9.2.1~7.3.0+dfsg1+~cs24.12.11-1
simdjson_pin=3.12.3-1
pgvector_pin=0.8.0-1
node_floor=20 node_pin=22.23.3

as_root() { if ((EUID == 0)); then "$@"; else sudo "$@"; fi; }
say() { printf '[setup] %s\n' "$*"; }

fail() { # what, remedy
    printf '[setup] FAILED: %s\n[setup] remedy: %s\n' "$1" "$2" >&2
    exit 1
}

need_root() { # what fails without; asked only when something is missing
    ((EUID == 0)) || command -v sudo >/dev/null ||
        fail "$1: not root, and there is no sudo" "install sudo, or use a root shell"
}

# Runs a command into the log; if it fails, shows the end of the log and the remedy.
run() { # what failed, remedy, command...
    printf '\n$ %s\n' "${*:3}" >>"$log"
    "${@:3}" >>"$log" 2>&1 && return
    tail -n 15 "$log" >&2
    fail "$1 (whole log: $log)" "$2"
}

parse_arguments() {
    want_bench=no want_node=yes
    for argument in "$@"; do
        case $argument in
            --bench) want_bench=yes ;;
            --no-node) want_node=no ;;
            --help) sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
            *) fail "unknown argument '$argument'" "see $0 --help" ;;
        esac
    done
}

check_machine() {
    local name=unknown
    [[ ! -r /etc/os-release ]] || name=$(. /etc/os-release && echo "$ID ${VERSION_ID:-}")
    [[ $name == debian\ 1[23] ]] || fail "this is '$name'" "use Debian 12 or 13, if only in a container"
    debian=${name#* }
    mkdir -p "$deps"
    exec 9>"$deps/lock" && flock 9 # a second setup.sh waits, and then finds everything done
}

apt_get() { # what failed, remedy, apt-get's arguments...
    need_root "$1"
    run "$1" "$2" as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -y -o DPkg::Lock::Timeout=120 "${@:3}"
}

apt_update() { # at most once a run
    [[ -n ${apt_updated:-} ]] || apt_get "apt-get update" "repair apt's sources or the network" update
    apt_updated=yes
}

# Installs those of the packages that are missing; does not even call apt if none is.
apt_install() {
    local package missing=()
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    apt_update
    say "apt-get install ${missing[*]}"
    apt_get "cannot install ${missing[*]}" "see that apt's sources have 'main' of Debian $debian" \
        install --no-install-recommends "${missing[@]}"
}

install_toolchain() { # build-essential has clang's libstdc++, llvm-19 the sanitizers' symbolizer
    apt_install build-essential clang-19 lld-19 llvm-19 libclang-rt-19-dev clang-tidy-19 \
        clang-format-19 cmake ninja-build ccache pkg-config ca-certificates curl jq openssl
}

install_libraries() {
    apt_install libpq-dev libssl-dev libyaml-cpp-dev libmimalloc-dev libcrypt-dev \
        libgtest-dev libgmock-dev libbenchmark-dev
    ((debian == 12)) || apt_install liburing-dev libllhttp-dev libsimdjson-dev
}

find_postgresql() { # -> pg_bin, the newest installed server's programs, or nothing
    pg_bin=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)
    [[ -x $pg_bin ]] || pg_bin=
    pg_bin=${pg_bin%/postgres}
}

install_postgresql() {
    find_postgresql
    if [[ -z $pg_bin ]]; then
        # Debian's server package would make a 'main' cluster and start it on port 5432. We only
        # want the programs (dev.sh makes its own cluster), so a drop-in says no until this
        # script ends; pg_createcluster works as ever.
        local drop_in=/etc/postgresql-common/createcluster.d/fluxgate-setup.conf
        trap "as_root rm -f $drop_in" EXIT
        apt_install postgresql-common
        as_root mkdir -p "${drop_in%/*}"
        as_root tee "$drop_in" >/dev/null <<<"create_main_cluster = false"
        apt_install postgresql
        find_postgresql
    fi
    [[ -x $pg_bin/pgbench ]] ||
        fail "there is no pgbench in '$pg_bin'" "apt-get install --reinstall postgresql"
}

# ---- Debian 12 only: packages of Debian 13, by a private apt -------------------------------------
# The system's release is not touched: lists, cache and sources are ours, under .deps/apt. The mirror
# is the system's own, and the signatures are checked against Debian's keyring.
mirror_remedy="try another mirror, FLUXGATE_DEBIAN_MIRROR=<URL> $0 (still verified), or use Debian 13"

trixie() { # apt-get or apt-cache, arguments...
    "$1" -o Dir::Etc::sourcelist="$deps/apt/trixie.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State::lists="$deps/apt/lists" -o Dir::Cache="$deps/apt/cache" "${@:2}"
}

open_trixie() { # at most once a run
    [[ -z ${trixie_open:-} ]] || return 0
    apt_update # without its lists apt does not know its mirrors' code names
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg mirrors
    [[ -e ${keyring%/*}/debian-archive-trixie-automatic.gpg ]] ||
        apt_get "no keys of Debian 13" "bring Debian 12 up to date (12.11 has them): apt-get upgrade" \
            satisfy "debian-archive-keyring (>= 2023.3+deb12u2)"
    # Let apt read the system's sources, which come in two formats and several spellings.
    mirrors=${FLUXGATE_DEBIAN_MIRROR:-$(apt-get indextargets 'Created-By: Packages' \
        --format '$(CODENAME) $(ORIGIN) $(COMPONENT) $(REPO_URI)' | sed -n 's/^bookworm Debian main //p')}
    [[ -n $mirrors ]] || fail "apt's sources name no mirror of bookworm main" "$mirror_remedy"
    rm -rf "$deps/apt" && mkdir -p "$deps/apt/lists/partial" "$deps/apt/cache/archives/partial"
    sed "s|.*|deb [signed-by=$keyring] & trixie main\ndeb-src [signed-by=$keyring] & trixie main|" \
        <<<"$mirrors" >"$deps/apt/trixie.list"
    say "reading Debian 13's package lists (into .deps/apt, not the system's)"
    run "cannot read Debian 13's package lists" "$mirror_remedy" \
        trixie apt-get update -o APT::Update::Error-Mode=any
    trixie_open=yes
}

# Sets `version` to the pinned one if the mirror has it, else to its newest revision there.
choose_version() { # show|showsrc, package, pin
    local known upstream=${3%%[-~]*}
    open_trixie
    known=$(trixie apt-cache "$1" "$2" 2>>"$log" | sed -n 's/^Version: //p') || true
    version=$3
    ! grep -qxF -- "$3" <<<"$known" || return 0
    version=$(grep -E "^${upstream//./\\.}[-~]" <<<"$known" | sort -V | tail -n 1) ||
        fail "this mirror's Debian 13 has no $2 $3, only: ${known:-nothing}" "$mirror_remedy"
    say "note: $2 $3 is gone, taking $version"
}

unpack_archive() { # package, pin: headers and static archive -> .deps/include, .deps/lib
    choose_version show "$1" "$2"
    rm -rf "$deps/debs" && mkdir -p "$deps/debs" && cd "$deps/debs"
    run "cannot download $1 $version" "$mirror_remedy" trixie apt-get download "$1=$version"
    dpkg-deb -x ./*.deb .
    cp usr/include/*.h "$deps/include/"
    cp usr/lib/*/lib*.a "$deps/lib/"
}

unpack_source() { # package, pin -> .deps/src/<package>
    choose_version showsrc "$1" "$2"
    say "building $1 $version"
    rm -rf "$deps/src/$1"* && mkdir -p "$deps/src/$1.files" && cd "$deps/src/$1.files"
    run "source package $1 $version is not on this mirror" "$mirror_remedy" \
        trixie apt-get source --download-only --only-source "$1=$version"
    # apt has checked every file against the signed index; the uploader's own key is not needed.
    run "cannot unpack $1" "remove .deps and try again" dpkg-source --no-check -x ./*.dsc "$deps/src/$1"
}

install_from_trixie() {
    local want="debian-$debian liburing $liburing_pin llhttp $llhttp_pin simdjson $simdjson_pin"
    [[ $(cat "$deps/stamp" 2>/dev/null) != "$want" ]] || return 0
    rm -rf "$deps/stamp" "$deps/include" "$deps/lib" && mkdir -p "$deps/include" "$deps/lib"
    # The static archives of these two run on Debian 12 as they are. liburing's package wants newer
    # kernel headers than Debian 12 has, its source does not.
    unpack_archive libllhttp-dev "$llhttp_pin"
    unpack_archive libsimdjson-dev "$simdjson_pin"
    unpack_source liburing "$liburing_pin"
    cd "$deps/src/liburing"
    run "cannot configure liburing" "see the log" \
        ./configure --prefix="$deps" --libdir="$deps/lib" --libdevdir="$deps/lib"
    run "cannot build liburing" "see the log" make -C src -j"$(nproc)" ENABLE_SHARED=0 install
    echo "$want" >"$deps/stamp"
}

install_pgvector() {
    local control have major make
    control=$("$pg_bin/pg_config" --sharedir)/extension/vector.control
    have=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" "$control" 2>/dev/null) || true
    [[ -z $have ]] || ! dpkg --compare-versions "$have" ge "${pgvector_pin%-*}" || return 0
    need_root "cannot install pgvector"
    major=$(basename "${pg_bin%/bin}")
    ((debian == 12)) || { apt_install "postgresql-$major-pgvector" && return; }
    apt_install "postgresql-server-dev-$major"
    unpack_source pgvector "$pgvector_pin"
    # OPTFLAGS empty, as Debian does: the default -march=native breaks when the machine changes.
    make=(make -C "$deps/src/pgvector" -j"$(nproc)" PG_CONFIG="$pg_bin/pg_config" OPTFLAGS= with_llvm=no)
    run "cannot build pgvector" "see the log" "${make[@]}"
    run "cannot install pgvector" "see the log" as_root "${make[@]}" install
}

node_is_new() { [[ $("$1" --version 2>/dev/null) =~ ^v([0-9]+) ]] && ((BASH_REMATCH[1] >= node_floor)); }
install_node() {
    ! node_is_new "$deps/bin/node" || return 0
    { node_is_new node && command -v npm >/dev/null; } || apt_install nodejs npm
    ! node_is_new node || return 0
    # Debian 12 has Node 18. Its npm fetches a newer one, for this project only: .deps/bin/node.
    local package=node-linux-$([[ $(uname -m) == aarch64 ]] && echo arm64 || echo x64)
    say "npm install $package@$node_pin into .deps/node"
    run "npm cannot fetch Node" "install Node >= $node_floor yourself, or give --no-node" \
        npm install --prefix "$deps/node" --no-audit --no-fund "$package@$node_pin"
    mkdir -p "$deps/bin" && ln -sf "../node/node_modules/$package/bin/node" "$deps/bin/node"
}

install_bench() {
    # Debian starts a fresh nginx on port 80 and at every boot; the benchmark runs its own.
    local stop_nginx=(as_root systemctl disable --now nginx)
    [[ ! -x /usr/sbin/nginx && -d /run/systemd/system ]] || stop_nginx=(true)
    apt_install nginx wrk
    run "cannot stop nginx" "systemctl disable --now nginx" "${stop_nginx[@]}"
}

finish() {
    cd "$root" && rm -rf "$deps/apt" "$deps/debs" "$deps/src" # 100 MB of lists, and what is installed
    [[ -z ${SUDO_UID:-} ]] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$deps"
    say "ready: Debian $debian, clang 19, $("$pg_bin/postgres" --version) with pgvector"
}

parse_arguments "$@"
check_machine
install_toolchain
install_libraries
install_postgresql
((debian == 13)) || install_from_trixie
install_pgvector
[[ $want_node == no ]] || install_node
[[ $want_bench == no ]] || install_bench
finish
