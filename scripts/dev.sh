#!/usr/bin/env bash
# A fluxgate to try, with a private PostgreSQL and demo data:
#   ./scripts/dev.sh [--port N] [--state DIR] [--loops N] [--reset]
#   --port N      where fluxgate listens on 127.0.0.1 (8080)
#   --state DIR   where the database, keys and configuration live (.fluxgate)
#   --loops N     event loops (one per core)
#   --reset       throw the state away first
#
# Installs what is missing, builds, starts both servers and prints how to connect. Ctrl-C or SIGTERM
# stops both. A second start keeps data and keys. For scripts it leaves in DIR: service.key, client.key
# (alice), client-bob.key, fluxbase.yaml, fluxgate.pid, postgres.url.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
port=8080 state=$root/.fluxgate loops=0 reset=no
build=${FLUXGATE_BUILD:-$root/build}

say() { printf '[dev] %s\n' "$*"; }
fail() {
    printf '[dev] FAILED: %s\n[dev] remedy: %s\n' "$1" "$2" >&2
    exit 1
}

while (($#)); do
    case $1 in
        --port | --state | --loops)
            (($# >= 2)) || fail "$1 needs a value" "see $0 --help"
            printf -v "${1#--}" '%s' "$2" && shift 2 ;;
        --reset) reset=yes && shift ;;
        --help) sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
        *) fail "unknown argument '$1'" "see $0 --help" ;;
    esac
done
[[ $port =~ ^[0-9]+$ && $loops =~ ^[0-9]+$ ]] || fail "--port and --loops are numbers" "see $0 --help"
mkdir -p "$state"
state=$(cd "$state" && pwd)

# PostgreSQL refuses to run as root: then it runs as the user that Debian made for it.
as_postgres() {
    if ((EUID == 0)); then
        (cd / && setpriv --reuid=postgres --regid=postgres --init-groups "$@")
    else
        "$@"
    fi
}

build_fluxgate() {
    "$root/scripts/setup.sh" --no-node
    [[ -f $build/build.ninja ]] ||
        cmake -S "$root" -B "$build" -G Ninja -DCMAKE_CXX_COMPILER=clang++-19 \
            $(command -v ccache >/dev/null && echo -DCMAKE_CXX_COMPILER_LAUNCHER=ccache) >/dev/null
    say "building (the first time takes a few minutes)"
    ninja -C "$build" fluxgate >"$state/build.log" 2>&1 ||
        { tail -n 30 "$state/build.log" >&2; fail "the build failed" "see $state/build.log"; }
}

find_postgres() {
    pg_bin=$(pg_config --bindir 2>/dev/null || true)
    [[ -x $pg_bin/initdb ]] || pg_bin=$(dirname "$(ls -d /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)")
    [[ -x $pg_bin/initdb ]] || fail "there is no PostgreSQL server" "run ./scripts/setup.sh"
}

# A port that was free a moment ago; kept in the state from then on.
choose_postgres_port() {
    [[ -s $state/postgres.port ]] || python3 -c '
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' >"$state/postgres.port"
    pg_port=$(<"$state/postgres.port")
}

create_cluster() {
    [[ -s $state/postgres.password ]] ||
        (umask 077 && head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' >"$state/postgres.password")
    mkdir -p "$state/postgres"
    ((EUID != 0)) || chown postgres "$state/postgres" "$state/postgres.password"
    chmod 700 "$state/postgres"
    as_postgres "$pg_bin/initdb" --pgdata="$state/postgres/data" --username=postgres --encoding=UTF8 \
        --locale=C.UTF-8 --auth=scram-sha-256 --pwfile="$state/postgres.password" >"$state/initdb.log" 2>&1 ||
        { tail -n 5 "$state/initdb.log" >&2; fail "initdb failed" "is every folder above $state readable by the user postgres? else: --state /var/tmp/fluxgate"; }
}

start_postgres() {
    as_postgres "$pg_bin/pg_ctl" --pgdata="$state/postgres/data" --log="$state/postgres/log" --wait start \
        -o "-p $pg_port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200" \
        >/dev/null || { tail -n 5 "$state/postgres/log" >&2; fail "PostgreSQL does not start" "see $state/postgres/log, or --reset"; }
    postgres_started=yes
    export PGPASSWORD
    PGPASSWORD=$(<"$state/postgres.password")
    (umask 077 && printf 'postgresql://postgres:%s@127.0.0.1:%s/fluxbase\n' "$PGPASSWORD" "$pg_port" >"$state/postgres.url")
}

write_configuration() {
    [[ -s $state/fluxbase.yaml ]] && return
    for login in user service auth; do
        (umask 077 && head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' >"$state/$login.password")
    done
    (umask 077 && cat >"$state/fluxbase.yaml") <<YAML
# Written by scripts/dev.sh. Only the rate limit differs from the defaults.
mcp:
  enabled: true
  rate_limit_per_min: 0
database:
  host: 127.0.0.1
  port: $pg_port
  database: fluxbase
  user: postgres
  password: $(<"$state/postgres.password")
gateway:
  database:
    user_login: {user: fluxgate_user, password_file: $state/user.password}
    service_login: {user: fluxgate_service, password_file: $state/service.password}
    auth_login: {user: fluxgate_auth, password_file: $state/auth.password}
YAML
}

query() { psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --host=127.0.0.1 --port="$pg_port" --username=postgres "$@"; }

fill_database() {
    [[ -e $state/filled ]] && return
    say "filling the demo database"
    query --dbname=postgres --command='CREATE DATABASE fluxbase'
    query --dbname=fluxbase --command='CREATE EXTENSION vector'
    "$build/fluxgate" bootstrap --config "$state/fluxbase.yaml" >"$state/bootstrap.log" ||
        { tail -n 5 "$state/bootstrap.log" >&2; fail "fluxgate bootstrap failed" "see $state/bootstrap.log"; }
    query --dbname=fluxbase --file="$root/scripts/demo.sql"
    create_key service.key servicekeys create --name dev
    create_key client.key clientkeys create --name alice --user alice@acme.example --scopes read:tables,write:tables
    create_key client-bob.key clientkeys create --name bob --user bob@globex.example --scopes read:tables,write:tables
    touch "$state/filled"
}

create_key() { # file, command...
    local output
    output=$("$build/fluxgate" "${@:2}" --config "$state/fluxbase.yaml") || fail "${*:2} failed" "see above"
    (umask 077 && grep -oE '(sk_|fbk_)[A-Za-z0-9_=-]+' <<<"$output" | head -n 1 >"$state/$1")
    [[ -s $state/$1 ]] || fail "no key in the output of ${*:2}" "run it by hand"
}

wait_until_ready() {
    for _ in $(seq 150); do
        curl -fsS -o /dev/null "http://127.0.0.1:$port/readyz" 2>/dev/null && return
        kill -0 "$fluxgate_pid" 2>/dev/null || { tail -n 5 "$state/fluxgate.log" >&2; fail "fluxgate ended" "see $state/fluxgate.log"; }
        sleep 0.1
    done
    fail "fluxgate is not ready after 15 s" "see $state/fluxgate.log"
}

print_guide() {
    local url=http://127.0.0.1:$port/mcp service client
    service=$(<"$state/service.key") client=$(<"$state/client.key")
    cat <<GUIDE

fluxgate answers on $url

  service key (sees everything)         $service
  client key (alice: sees her own rows) $client

Try it:
  curl -s $url -H 'Content-Type: application/json' -H 'X-Client-Key: $client' \\
    -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query_table","arguments":{"table":"users","select":"email,name","filter":{"is_active":"eq.true"},"limit":3}}}'

Claude Code:
  claude mcp add --transport http fluxgate $url --header "X-Client-Key: $client"

Cursor (.cursor/mcp.json):
  {"mcpServers":{"fluxgate":{"url":"$url","headers":{"X-Client-Key":"$client"}}}}

VS Code (.vscode/mcp.json):
  {"servers":{"fluxgate":{"type":"http","url":"$url","headers":{"X-Client-Key":"$client"}}}}

Claude Desktop (claude_desktop_config.json; it speaks stdio, so mcp-remote carries it):
  {"mcpServers":{"fluxgate":{"command":"npx","args":["-y","mcp-remote","$url","--header","X-Client-Key:$client"]}}}

Logs: $state/fluxgate.log    Database: psql "\$(cat $state/postgres.url)"
Ctrl-C stops both.
GUIDE
}

stop_all() {
    trap - EXIT
    if [[ -n ${fluxgate_pid:-} ]] && kill -0 "$fluxgate_pid" 2>/dev/null; then
        kill -TERM "$fluxgate_pid" && wait "$fluxgate_pid" || true
    fi
    rm -f "$state/fluxgate.pid"
    [[ -z ${postgres_started:-} ]] ||
        as_postgres "$pg_bin/pg_ctl" --pgdata="$state/postgres/data" --mode=fast --wait stop >/dev/null || true
}

stop_leftovers() { # of a start that was killed
    if as_postgres "$pg_bin/pg_ctl" --pgdata="$state/postgres/data" status >/dev/null 2>&1; then
        if [[ -s $state/fluxgate.pid ]] && kill -0 "$(<"$state/fluxgate.pid")" 2>/dev/null; then
            fail "a fluxgate of $state runs already (pid $(<"$state/fluxgate.pid"))" "stop it, or use another --state"
        fi
        as_postgres "$pg_bin/pg_ctl" --pgdata="$state/postgres/data" --mode=fast --wait stop >/dev/null
    fi
}

build_fluxgate
find_postgres
stop_leftovers
if [[ $reset == yes ]]; then
    find "$state" -mindepth 1 -delete
fi
choose_postgres_port
[[ -d $state/postgres/data ]] || create_cluster
trap stop_all EXIT
trap 'exit 0' INT TERM
start_postgres
write_configuration
fill_database
"$build/fluxgate" serve --config "$state/fluxbase.yaml" --port "$port" --loops "$loops" >>"$state/fluxgate.log" 2>&1 &
fluxgate_pid=$!
printf '%s\n' "$fluxgate_pid" >"$state/fluxgate.pid"
wait_until_ready
print_guide
wait "$fluxgate_pid" || fail "fluxgate ended by itself" "see $state/fluxgate.log"
