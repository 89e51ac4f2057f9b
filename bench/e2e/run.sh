#!/usr/bin/env bash
# fluxgate against its peers, in one run on one machine:
#   ./bench/e2e/run.sh [--seconds N] [--rounds N] [--connections N] [--only CASE]
# Peers: nginx (return 200), MCP Toolbox for Databases, a server on the TypeScript SDK with pg, and pgbench with
# the same two statements in pipeline mode. Prints one table; see measure.py for the method.
#
# All servers listen on loopback and are stopped, by their ids, however the run ends. If it fails, the folder with
# their logs stays.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export PATH=$root/.deps/bin:$PATH
state=$(mktemp -d /var/tmp/fluxgate-bench.XXXXXX)
chmod 755 "$state"
pids=()

finish() {
    local code=$?
    trap - EXIT
    trap '' INT TERM
    for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    if ((code == 0 || code == 130)); then
        rm -rf "$state"
    else
        echo "failed; the logs are in $state" >&2
    fi
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Until the command succeeds, the process has ended or the time is over.
wait_for() { # what, its process, seconds, its log, command...
    local end=$((SECONDS + $3))
    until "${@:5}" >/dev/null 2>&1; do
        if ((SECONDS >= end)) || ! kill -0 "$2" 2>/dev/null; then
            echo "$1 did not start:" >&2
            tail -n 5 "$4" >&2 || true
            exit 1
        fi
        sleep 0.2
    done
}

"$root/scripts/setup.sh" --bench
[[ -d $here/node_modules ]] || (cd "$here" && npm install --no-audit --no-fund --no-progress --loglevel=error >/dev/null)

fluxgate_port=$(free_port)
"$root/scripts/dev.sh" --state "$state/dev" --port "$fluxgate_port" --loops "${FLUXGATE_LOOPS:-0}" >"$state/dev.log" 2>&1 &
pids+=($!)
wait_for fluxgate $! 1800 "$state/dev.log" grep -q "Ctrl-C" "$state/dev.log" # it may build first
url=$(<"$state/dev/postgres.url")
psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 "$url" --file="$here/notes.sql"

nginx_port=$(free_port)
# A body of the size of fluxgate's answer, of one character.
body_like() { # curl arguments...
    local bytes
    bytes=$(curl -fsS -H "X-Client-Key: $(<"$state/dev/client.key")" -H 'Content-Type: application/json' "$@" | wc -c)
    printf "%${bytes}s" '' | tr ' ' x
}
mcp=http://127.0.0.1:$fluxgate_port/mcp
stateless_list=$(python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import measure; print(measure.STATELESS_LIST)' "$here")
sed "s/@PORT@/$nginx_port/; s#@STATE@#$state#g; s/@HEALTH@/$(body_like "$mcp/health")/
    s/@PING@/$(body_like "$mcp" -d '{"jsonrpc":"2.0","id":1,"method":"ping"}')/
    s/@LIST@/$(body_like "$mcp" -d '{"jsonrpc":"2.0","id":1,"method":"tools/list"}')/
    s/@LIST2026@/$(body_like "$mcp" -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/list' -d "$stateless_list")/" \
    "$here/peers/nginx.conf" >"$state/nginx.conf"
nginx -p "$state" -c "$state/nginx.conf" -e "$state/nginx.log" -g 'daemon off;' &
pids+=($!)
nginx_pid=$!

toolbox_port=$(free_port)
python3 - "$url" "$here/peers/toolbox.yaml" >"$state/toolbox.yaml" <<'PYTHON'
import sys, urllib.parse
url = urllib.parse.urlparse(sys.argv[1])
text = open(sys.argv[2]).read()
for key, value in {"HOST": url.hostname, "PORT": str(url.port), "USER": url.username,
                   "PASSWORD": url.password, "DATABASE": url.path[1:]}.items():
    text = text.replace(f"@{key}@", value)
print(text)
PYTHON
"$here/node_modules/@toolbox-sdk/server-linux-x64/bin/toolbox" --config "$state/toolbox.yaml" \
    --port "$toolbox_port" --disable-version-check --disable-reload --log-level ERROR >"$state/toolbox.log" 2>&1 &
pids+=($!)
toolbox_pid=$!

sdk_port=$(free_port)
DATABASE_URL=$url PORT=$sdk_port node "$here/peers/sdk_server.mjs" >"$state/sdk.log" 2>&1 &
pids+=($!)
sdk_pid=$!
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1"); }
wait_for nginx "$nginx_pid" 60 "$state/nginx.log" listens "$nginx_port"
wait_for "MCP Toolbox" "$toolbox_pid" 60 "$state/toolbox.log" listens "$toolbox_port"
wait_for "the SDK server" "$sdk_pid" 60 "$state/sdk.log" listens "$sdk_port"

python3 "$here/measure.py" --work "$state" --postgres "$url" --client-key "$(<"$state/dev/client.key")" \
    --user-password "$(<"$state/dev/user.password")" \
    --server "fluxgate,$(<"$state/dev/fluxgate.pid"),$fluxgate_port" --server "nginx,$nginx_pid,$nginx_port" \
    --server "toolbox,$toolbox_pid,$toolbox_port" --server "sdk,$sdk_pid,$sdk_port" "$@"
