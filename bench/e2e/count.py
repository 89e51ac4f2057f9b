#!/usr/bin/env python3
"""System calls of fluxgate per request, and PostgreSQL transactions per call, counted on a running server.

    ./bench/e2e/count.py STATE_DIR PORT      (of a running ./scripts/dev.sh --state STATE_DIR --port PORT)

wrk keeps 64 connections busy while strace counts; strace makes everything slow, so only the counts are worth
anything. One segment is one implicit transaction, so transactions per call are round trips per call.
"""
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
QUERY = ('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query_table","arguments":'
         '{"table":"products","select":"id,sku,name,price","order":"id.asc","limit":10}}}')
SECONDS = 4


def transactions(url):
    time.sleep(12)  # a backend that falls idle reports its counters after 10 s at the latest
    query = "SELECT sum(xact_commit) FROM pg_stat_database WHERE datname = current_database()"
    return int(subprocess.run(["psql", "-XAtc", query, url], check=True, capture_output=True, text=True).stdout)


def load(port, key, body, folder):
    script = pathlib.Path(folder) / "load.lua"
    script.write_text(f"wrk.method = 'POST'\nwrk.body = [[{body}]]\nwrk.headers['X-Client-Key'] = '{key}'\n"
                      "wrk.headers['Content-Type'] = 'application/json'\n")
    output = subprocess.run(["wrk", "-t1", "-c64", f"-d{SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}/mcp"],
                            check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in output, output
    return int(re.search(r"(\d+) requests in", output).group(1))


def main():
    state, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    pid = (state / "fluxgate.pid").read_text().strip()
    key = (state / "client.key").read_text().strip()
    url = (state / "postgres.url").read_text().strip()
    with tempfile.TemporaryDirectory() as folder:
        for name, body in {"ping": PING, "query_table": QUERY}.items():
            load(port, key, body, folder)  # warm: the key is cached, the statement is prepared
            before = transactions(url)
            done = load(port, key, body, folder)
            per_call = (transactions(url) - before) / done
            report = pathlib.Path(folder) / "strace"
            tracer = subprocess.Popen(["strace", "-c", "-f", "-q", "-o", str(report), "-p", pid])
            time.sleep(1)
            requests = load(port, key, body, folder)
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
            counts = {}
            for line in report.read_text().splitlines():
                found = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
                if found and found.group(2) != "total":
                    counts[found.group(2)] = int(found.group(1))
            listed = ", ".join(f"{call} {count / requests:.2f}" for call, count in
                               sorted(counts.items(), key=lambda one: -one[1]) if count / requests >= 0.01)
            print(f"{name}: {sum(counts.values()) / requests:.2f} system calls a request ({listed}); "
                  f"{per_call:.3f} transactions a call")


if __name__ == "__main__":
    main()
