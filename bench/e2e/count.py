#!/usr/bin/env python3
"""System calls, allocations and PostgreSQL messages of fluxgate per request, counted on a running server, as root.

    ./bench/e2e/count.py STATE_DIR PORT      (of a running ./scripts/dev.sh --state STATE_DIR --port PORT)

wrk keeps 64 connections busy while strace counts system calls, and then while uprobes (Linux,
Documentation/trace/uprobetracer.rst) count entries into the allocator and into libpq. Both make everything slow, so
only the counts are worth anything. `new` is ours; `malloc` is libpq's and OpenSSL's. One segment is one implicit
transaction, so transactions per call are round trips per call.
"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

from measure import LIST, PING, STATELESS, STATELESS_LIST, open_session

QUERY = ('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query_table","arguments":'
         '{"table":"products","select":"id,sku,name,price","order":"id.asc","limit":10}}}')
SECONDS = 4
EVENTS = pathlib.Path("/sys/kernel/tracing/uprobe_events")
COUNTED = {  # library -> what it is counted as -> symbols, some of which share an address
    "libmimalloc": {"new": r"_Zn[wa]m.*", "malloc": r"malloc|calloc|realloc|aligned_alloc|posix_memalign"},
    "libpq": {"Parse": r"PQsendPrepare|PQsendQueryParams", "Execute": r"PQsendQueryPrepared",
              "Sync": r"PQpipelineSync|PQsendPipelineSync"},
}


def transactions(url):
    time.sleep(12)  # a backend that falls idle reports its counters after 10 s at the latest
    query = "SELECT sum(xact_commit) FROM pg_stat_database WHERE datname = current_database()"
    return int(subprocess.run(["psql", "-XAtc", query, url], check=True, capture_output=True, text=True).stdout)


def load(port, fields, body, folder):
    script = pathlib.Path(folder) / "load.lua"
    fields = {"Content-Type": "application/json", **fields}
    script.write_text(f"wrk.method = 'POST'\nwrk.body = [[{body}]]\n" +
                      "".join(f"wrk.headers['{name}'] = '{value}'\n" for name, value in fields.items()))
    output = subprocess.run(["wrk", "-t1", "-c64", f"-d{SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}/mcp"],
                            check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in output, output
    return int(re.search(r"(\d+) requests in", output).group(1))


def library_of(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        if name in line:
            return line.split()[-1]
    sys.exit(f"process {pid} has not loaded {name}")


class Probes:
    """One uprobe for each distinct address; removed on exit."""

    def __init__(self, pid):
        self.pid, self.kinds = pid, {}

    def __enter__(self):
        lines = []
        for library, kinds in COUNTED.items():
            path = library_of(self.pid, library)
            symbols = subprocess.run(["nm", "-D", "--defined-only", path], check=True, capture_output=True,
                                     text=True).stdout
            for kind, pattern in kinds.items():
                offsets = set(re.findall(rf"^(\w+) T (?:{pattern})(?:@.*)?$", symbols, re.M))
                assert offsets, f"no {kind} in {path}"
                for offset in offsets:
                    event = f"{kind.lower()}_{int(offset, 16):x}"
                    self.kinds[event] = kind
                    lines.append(f"p:fluxgate/{event} {path}:0x{offset}")
        self.write(lines)
        return self

    def write(self, lines):
        events = os.open(EVENTS, os.O_WRONLY | os.O_APPEND)  # without O_TRUNC: that removes those of others
        os.write(events, ("\n".join(lines) + "\n").encode())
        os.close(events)

    def __exit__(self, *_):
        self.write([f"-:fluxgate/{event}" for event in self.kinds])

    def count(self, work):
        """Runs work() and returns what it returns, and the calls by kind."""
        perf = subprocess.Popen(["perf", "stat", "-x", ",", "-e", "fluxgate:*", "-p", self.pid],
                                stderr=subprocess.PIPE, text=True)
        time.sleep(1)
        result = work()
        perf.send_signal(signal.SIGINT)
        counts = dict.fromkeys(self.kinds.values(), 0)
        for line in perf.communicate()[1].splitlines():
            found = re.match(r"(\d+),.*?fluxgate:(\w+),", line)
            if found:
                counts[self.kinds[found.group(2)]] += int(found.group(1))
        return result, counts


def main():
    state, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    pid = (state / "fluxgate.pid").read_text().strip()
    key = (state / "client.key").read_text().strip()
    url = (state / "postgres.url").read_text().strip()
    cases = {"ping": (PING, {}), "ping in a session": (PING, open_session(port, key)), "tools/list": (LIST, {}),
             "stateless tools/list": (STATELESS_LIST, STATELESS), "query_table": (QUERY, {})}
    with tempfile.TemporaryDirectory() as folder:
        for name, (body, fields) in cases.items():
            fields = {"X-Client-Key": key, **fields}
            load(port, fields, body, folder)  # warm: the key is cached, the statement is prepared
            before = transactions(url)
            done = load(port, fields, body, folder)
            per_call = (transactions(url) - before) / done
            report = pathlib.Path(folder) / "strace"
            tracer = subprocess.Popen(["strace", "-c", "-f", "-q", "-o", str(report), "-p", pid])
            time.sleep(1)
            requests = load(port, fields, body, folder)
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
                  f"{per_call:.3f} transactions a call", flush=True)
            with Probes(pid) as probes:
                requests, counts = probes.count(lambda: load(port, fields, body, folder))
            print(f"{name}: " + ", ".join(f"{kind} {count / requests:.3f}" for kind, count in counts.items()) +
                  " a request", flush=True)


if __name__ == "__main__":
    main()
