#!/usr/bin/env bash
# A fluxgate to try, with a private PostgreSQL and demo data:
#   ./scripts/dev.sh [--port N] [--state DIR] [--loops N] [--reset]
#   --port N      where fluxgate listens on 127.0.0.1 (8080)
#   --state DIR   where the database, keys and configuration live (.fluxgate)
#   --loops N     event loops (one per core)
#   --reset       throw the state away first, and begin with a new database
#
# Installs what is missing, builds, starts both servers and prints how to connect. Ctrl-C or SIGTERM
# stops both. A second start keeps data, keys and sessions. Run it as yourself, it calls sudo where it needs it;
# or in a root shell. For scripts it leaves in DIR: service.key, client.key (alice), client-bob.key, fluxbase.yaml,
# fluxgate.pid, postgres.url.
#
# In a root shell the database is in /var/lib/postgresql/fluxgate-... where the user postgres cannot come into DIR;
# DIR/postgres is then a link to it. Before you delete the clone: rm -rf "$(readlink DIR/postgres)".
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

# `sudo ./scripts/dev.sh`: build/ and the keys would be root's, and the next command as yourself would fail.
[[ $EUID != 0 || ${SUDO_UID:-0} == 0 || $(stat -c %u "$root") != "$SUDO_UID" ]] ||
    fail "this clone belongs to ${SUDO_USER:-you}, and sudo would leave root's files in it" \
        "run it as yourself, without sudo; it calls sudo where it needs it"
mkdir -p "$state"
state=$(cd "$state" && pwd)
[[ -O $state ]] || fail "$state belongs to $(stat -c %U "$state")" "run it as that user, or with another --state"

# PostgreSQL refuses to run as root: then it runs as the user that Debian made for it.
as_postgres() {
    if ((EUID == 0)); then
        (cd / && setpriv --reuid=postgres --regid=postgres --init-groups "$@")
    else
        "$@"
    fi
}

# Two fluxgates would share a port, and anybody's answer on it would look like ours.
check_port() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null ||
        fail "something listens on port $port already" "stop it, or choose another: --port N"
}

build_fluxgate() {
    "$root/scripts/setup.sh" --no-node
    export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 # as in test.sh: one cache for all clones
    [[ -f $build/build.ninja ]] ||
        cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER=clang++-19 \
            -DCMAKE_CXX_COMPILER_LAUNCHER=ccache >"$state/build.log" 2>&1 ||
        { tail -n 30 "$state/build.log" >&2; fail "cmake failed" "see $state/build.log"; }
    say "building (the first time takes a few minutes)"
    ninja -C "$build" fluxgate >"$state/build.log" 2>&1 ||
        { tail -n 30 "$state/build.log" >&2; fail "the build failed" "see $state/build.log"; }
}

find_postgres() { # the newest, as setup.sh does: that one has pgvector
    pg_bin=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
    [[ -x $pg_bin ]] || fail "there is no PostgreSQL server" "run ./scripts/setup.sh"
    pg_bin=${pg_bin%/initdb}
}

# Where the database's files are. PostgreSQL's user cannot come into every folder of root's (a clone in /root):
# then they are in that user's home, and the state has a link to them.
find_database() {
    database=$state/postgres
    if [[ -L $database ]]; then
        database=$(readlink "$database")
    elif ! as_postgres test -x "$state"; then
        database=/var/lib/postgresql/fluxgate-$(sha256sum <<<"$state" | head -c 12)
    fi
}

link_database() {
    [[ $database != "$state/postgres" && ! -L $state/postgres ]] || return 0
    rm -rf "$database" # of an earlier state in the same place
    [[ ! -d $state/postgres ]] || mv "$state/postgres" "$database"
    ln -s "$database" "$state/postgres"
    say "the user postgres cannot reach $state: the database is in $database; remove that too when you remove the clone"
}

# A port that was free a moment ago; kept in the state from then on.
choose_postgres_port() {
    [[ -s $state/postgres.port ]] || python3 -c '
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' >"$state/postgres.port"
    pg_port=$(<"$state/postgres.port")
}

create_cluster() {
    rm -rf "$database/data.new" "$state/filled"
    [[ -s $state/postgres.password ]] ||
        (umask 077 && head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' >"$state/postgres.password")
    mkdir -p "$database"
    chmod 700 "$database"
    (umask 077 && cp "$state/postgres.password" "$database/password")
    ((EUID != 0)) || chown -R postgres: "$database"
    as_postgres "$pg_bin/initdb" --pgdata="$database/data.new" --username=postgres --encoding=UTF8 \
        --locale=C.UTF-8 --auth=scram-sha-256 --pwfile="$database/password" >"$state/initdb.log" 2>&1 ||
        { tail -n 5 "$state/initdb.log" >&2; fail "initdb failed" "see $state/initdb.log"; }
    rm "$database/password"
    mv "$database/data.new" "$database/data" # last: what is called data is whole
}

start_postgres() {
    as_postgres "$pg_bin/pg_ctl" --pgdata="$database/data" --log="$database/log" --wait start \
        -o "-p $pg_port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200" \
        >/dev/null || { tail -n 5 "$database/log" >&2; fail "PostgreSQL does not start" "see $database/log, or --reset"; }
    postgres_started=yes
    export PGPASSWORD
    PGPASSWORD=$(<"$state/postgres.password")
    (umask 077 && printf 'postgresql://postgres:%s@127.0.0.1:%s/fluxbase\n' "$PGPASSWORD" "$pg_port" >"$state/postgres.url")
}

write_configuration() { # paths in it are relative to it; bootstrap writes the password files and the key
    if [[ -s $state/fluxbase.yaml ]]; then
        add_signing_key
        return
    fi
    (umask 077 && cat >"$state/fluxbase.yaml.new") <<YAML
# Written by scripts/dev.sh. Other than the defaults: MCP is on, without a rate limit, and the logins are those of
# the demo's own PostgreSQL.
mcp:
  enabled: true
  rate_limit_per_min: 0
database:
  host: 127.0.0.1
  port: $pg_port
  database: fluxbase
  user: postgres
  password: $PGPASSWORD
gateway:
  database:
    user_login: {user: fluxgate_user, password_file: user.password}
    service_login: {user: fluxgate_service, password_file: service.password}
    auth_login: {user: fluxgate_auth, password_file: auth.password}
  keys: {signing_key_file: signing.key}
YAML
    mv "$state/fluxbase.yaml.new" "$state/fluxbase.yaml"
}

# To the state of a version that had none: bootstrap does not run there again. A `keys:` of your own stays as it is.
add_signing_key() {
    ! grep -qE '^ *keys:|signing_key' "$state/fluxbase.yaml" || return 0
    (umask 077 && head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n' >"$state/signing.key")
    sed -i 's/^gateway: *$/&\n  keys: {signing_key_file: signing.key}/' "$state/fluxbase.yaml"
}

query() { PGOPTIONS=-cclient_min_messages=warning psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --host=127.0.0.1 --port="$pg_port" --username=postgres "$@"; }

fill_database() { # from the beginning, as long as it has not once come to its end
    [[ -e $state/filled ]] && return
    say "filling the demo database"
    query --dbname=postgres --command='DROP DATABASE IF EXISTS fluxbase WITH (FORCE)'
    query --dbname=postgres --command='CREATE DATABASE fluxbase'
    query --dbname=fluxbase --command='CREATE EXTENSION vector'
    # Logins belong to no database: those of a start that was interrupted may have passwords that nobody knows.
    "$build/fluxgate" bootstrap --reset-passwords --config "$state/fluxbase.yaml" >"$state/bootstrap.log" 2>&1 ||
        { tail -n 5 "$state/bootstrap.log" >&2; fail "fluxgate bootstrap failed" "see $state/bootstrap.log"; }
    query --dbname=fluxbase --file="$root/scripts/demo.sql"
    create_key service.key servicekeys create --name dev
    create_key client.key clientkeys create --name alice --user alice@acme.example --scopes read:tables,write:tables
    create_key client-bob.key clientkeys create --name bob --user bob@globex.example --scopes read:tables,write:tables
    touch "$state/filled"
}

create_key() { # file, command...
    local output
    output=$("$build/fluxgate" "${@:2}" --config "$state/fluxbase.yaml" 2>>"$state/bootstrap.log") ||
        { tail -n 5 "$state/bootstrap.log" >&2; fail "fluxgate ${*:2} failed" "see $state/bootstrap.log"; }
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

  service key (sees everything)                    $service
  client key (alice: sees her organisation's rows) $client

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

Logs: $state/fluxgate.log    Database: psql "\$(cat $(printf %q "$state/postgres.url"))"
Ctrl-C stops both.
GUIDE
}

open_connections() { # to fluxgate; new ones are refused while it drains
    awk -v port="$(printf ':%04X$' "$port")" '$2 ~ port && $4 == "01"' /proc/net/tcp /proc/net/tcp6 2>/dev/null | wc -l
}

stop_fluxgate() {
    [[ -n ${fluxgate_pid:-} ]] && kill -TERM "$fluxgate_pid" 2>/dev/null || return 0
    local tenths
    for ((tenths = 1; ; ++tenths)); do
        kill -0 "$fluxgate_pid" 2>/dev/null || break
        ((tenths % 50 != 10)) ||
            say "waiting for fluxgate, which still answers calls (open connections: $(open_connections)), for" \
                "drain_timeout (30 s) at most; kill -TERM $fluxgate_pid ends them now"
        sleep 0.1
    done
    wait "$fluxgate_pid" || true
}

watch_fluxgate() { # until it ends by itself, or is ended by somebody else
    local status=0
    wait "$fluxgate_pid" 2>/dev/null || status=$?
    if ((status == 0)); then
        say "fluxgate has ended: somebody sent it a SIGTERM or SIGINT"
        return
    fi
    tail -n 10 "$state/fluxgate.log" >&2
    ((status <= 128)) || fail "fluxgate was killed by SIG$(kill -l "$status")" "see $state/fluxgate.log and dmesg"
    fail "fluxgate ended by itself, with status $status" "see $state/fluxgate.log"
}

stop_all() {
    trap - EXIT
    trap '' INT TERM # an impatient second Ctrl-C must not leave PostgreSQL behind
    stop_fluxgate
    rm -f "$state/fluxgate.pid"
    [[ -z ${postgres_started:-} ]] ||
        as_postgres "$pg_bin/pg_ctl" --pgdata="$database/data" --mode=fast --wait stop >/dev/null || true
}

stop_leftovers() { # of a start that was killed
    local pid
    pid=$(cat "$state/fluxgate.pid" 2>/dev/null) || true
    [[ -z $pid || $(cat "/proc/$pid/comm" 2>/dev/null) != fluxgate ]] ||
        fail "a fluxgate of $state runs already (pid $pid)" "stop it, or use another --state"
    ! as_postgres "$pg_bin/pg_ctl" --pgdata="$database/data" status >/dev/null 2>&1 ||
        as_postgres "$pg_bin/pg_ctl" --pgdata="$database/data" --mode=fast --wait stop >/dev/null
}

reset_state() { # nothing but what this script makes: --state may name any folder
    [[ -e $state/postgres.port ]] || return 0
    rm -rf "$database" "$state"/{postgres,postgres.{port,password,url},{user,service,auth}.password} \
        "$state"/{{service,client,client-bob,signing}.key,fluxbase.yaml,fluxgate.pid,filled} \
        "$state"/{build,initdb,bootstrap,fluxgate}.log
    find_database
}

check_port
build_fluxgate
find_postgres
find_database
stop_leftovers
[[ $reset == no ]] || reset_state
choose_postgres_port
link_database
[[ -d $database/data ]] || create_cluster
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
watch_fluxgate
