#!/usr/bin/env python3
"""Measures contenders with wrk and pgbench and prints one table. Called by run.sh.

Method: every contender's answer is checked before it is timed. Then come rounds; in a round each contender of a
case runs once, in turn, so that a drift of the machine hits all of them. Quoted are medians over the rounds:
requests per second, p50 and p99 of wrk, and server CPU per request, which is the growth of
/proc/PID/task/*/schedstat of the server's process tree divided by the requests (PostgreSQL's is not in it).
"nginx" is asked by a bare GET, "nginx+request" gets the very request that fluxgate gets, body and fields.
wrk is a closed loop: its p99 is of saturation, not of a fixed rate.
"""
import argparse
import json
import pathlib
import re
import statistics
import subprocess
import urllib.parse
import urllib.request

RPC = '{"jsonrpc":"2.0","id":1,"method":"%s","params":%s}'
PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
LIST = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
INITIALIZE = ('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",'
              '"capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}')
# Revision 2026-07-28: every request says who asks, in the body and in the head.
STATELESS_LIST = ('{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{'
                  '"io.modelcontextprotocol/protocolVersion":"2026-07-28",'
                  '"io.modelcontextprotocol/clientCapabilities":{},'
                  '"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"}}}}')
STATELESS = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"}
SESSION = "session"  # instead of header fields: those of a session, opened before the measurement
LIKE_A_SESSION = {"Mcp-Session-Id": "x" * 82, "MCP-Protocol-Version": "2025-11-25"}
QUERY = RPC % ("tools/call", '{"name":"query_table","arguments":{"table":"notes",'
               '"select":"id,title,n,created_at","order":"id.asc","limit":10}}')
NOTES = RPC % ("tools/call", '{"name":"notes","arguments":{}}')
TEN_ROWS = "Note number 20"  # the tenth of alice's notes

# case -> contender -> (path, body or None, what a right answer contains[, header fields])
CASES = {
    "health": {"nginx": ("/health", None, "x"), "nginx+log": ("/logged", None, "x"),
               "fluxgate": ("/mcp/health", None, "healthy")},
    "ping": {"nginx": ("/ping", None, "x"), "nginx+request": ("/ping", PING, "x"),
             "fluxgate": ("/mcp", PING, '"result":{}'),
             "toolbox": ("/mcp", PING, '"result":{}'), "sdk": ("/mcp", PING, '"result":{}')},
    "tools/list": {"nginx": ("/list", None, "x"), "nginx+request": ("/list", LIST, "x"),
                   "fluxgate": ("/mcp", LIST, "query_table"),
                   "toolbox": ("/mcp", LIST, "notes"), "sdk": ("/mcp", LIST, "notes")},
    "ping, session": {"nginx": ("/ping", None, "x"), "nginx+request": ("/ping", PING, "x", LIKE_A_SESSION),
                      "fluxgate": ("/mcp", PING, '"result":{}', SESSION)},
    "list, 2026-07": {"nginx": ("/list2026", None, "x"),
                      "nginx+request": ("/list2026", STATELESS_LIST, "x", STATELESS),
                      "fluxgate": ("/mcp", STATELESS_LIST, '"resultType":"complete"', STATELESS)},
    "query, 10 rows": {"fluxgate": ("/mcp", QUERY, TEN_ROWS), "toolbox": ("/mcp", NOTES, TEN_ROWS),
                       "sdk": ("/mcp", NOTES, TEN_ROWS), "pgbench": None},
}
BASE = {case: "pgbench" if "pgbench" in contenders else "nginx" for case, contenders in CASES.items()}


def open_session(port, client_key):
    """The header fields that every request of a new session has."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/mcp", INITIALIZE.encode(), {
        "Content-Type": "application/json", "X-Client-Key": client_key})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return {"Mcp-Session-Id": answer.headers["Mcp-Session-Id"], "MCP-Protocol-Version": "2025-11-25"}


def process_tree(pid):
    tree, queue = [], [pid]
    while queue:
        one = queue.pop()
        tree.append(one)
        for children in pathlib.Path(f"/proc/{one}/task").glob("*/children"):
            queue += [int(child) for child in children.read_text().split()]
    return tree


def cpu_ns(pid):
    total = 0
    for one in process_tree(pid):
        for task in pathlib.Path(f"/proc/{one}/task").glob("*/schedstat"):
            total += int(task.read_text().split()[0])
    return total


class Http:
    def __init__(self, name, pid, port, work, options, case):
        self.pid, self.options = pid, options
        path, self.body, self.expected, fields = (*case, {})[:4]
        self.url = f"http://127.0.0.1:{port}{path}"
        self.headers = {"Accept": "application/json, text/event-stream"}
        if name == "nginx+request" or (name == "fluxgate" and path == "/mcp"):
            self.headers["X-Client-Key"] = options.client_key
        if self.body:
            self.headers["Content-Type"] = "application/json"
        self.headers |= open_session(port, options.client_key) if fields == SESSION else fields
        self.script = pathlib.Path(work) / f"{name}-{abs(hash((name, path, str(case))))}.lua"
        lines = [f"wrk.headers[{json.dumps(key)}] = {json.dumps(value)}" for key, value in self.headers.items()]
        if self.body:
            lines += ['wrk.method = "POST"', f"wrk.body = {json.dumps(self.body)}"]
        self.script.write_text("\n".join(lines) + "\n")

    def check(self):
        request = urllib.request.Request(self.url, self.body.encode() if self.body else None, self.headers)
        answer = urllib.request.urlopen(request, timeout=10).read().decode()
        assert self.expected in answer.replace("\\n", "").replace(": ", ":"), f"{self.url}: {answer[:300]}"

    def run(self, seconds):
        before = cpu_ns(self.pid)
        output = subprocess.run(
            ["wrk", "--latency", "-t", "1", "-c", str(self.options.connections), "-d", f"{seconds}s",
             "-s", str(self.script), self.url], check=True, capture_output=True, text=True).stdout
        used = cpu_ns(self.pid) - before
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
        assert not bad, f"{self.url}: {bad.group(0)}"
        requests = int(re.search(r"(\d+) requests in", output).group(1))
        to_ms = {"us": 0.001, "ms": 1.0, "s": 1000.0}
        percentile = {}
        for key in ("50", "99"):
            value, unit = re.search(rf"^ +{key}% +([\d.]+)(us|ms|s)", output, re.M).groups()
            percentile[key] = float(value) * to_ms[unit]
        return {"rps": float(re.search(r"Requests/sec: +([\d.]+)", output).group(1)), "p50": percentile["50"],
                "p99": percentile["99"], "cpu_us": used / 1000 / requests}


class Pgbench:
    """The same two statements, prepared, in pipeline mode, on the user login with the role of a lane."""

    def __init__(self, work, options):
        self.options = options
        self.script = pathlib.Path(work) / "pgbench.sql"
        self.script.write_text(
            "\\startpipeline\n"
            "SELECT set_config('request.jwt.claims', "
            "'{\"role\":\"authenticated\",\"sub\":\"a11ce000-0000-4000-8000-000000000001\"}', true);\n"
            "SELECT id, title, n, created_at FROM public.notes ORDER BY id ASC LIMIT 10;\n"
            "\\endpipeline\n")
        url = urllib.parse.urlparse(options.postgres)
        self.environment = {"PGHOST": url.hostname, "PGPORT": str(url.port), "PGUSER": "fluxgate_user",
                            "PGPASSWORD": options.user_password, "PGDATABASE": url.path[1:],
                            "PGOPTIONS": "-c role=authenticated", "PATH": "/usr/bin:/bin"}

    def check(self):
        pass

    def run(self, seconds):
        output = subprocess.run(
            ["pgbench", "-n", "-M", "prepared", "-j", "1", "-c", str(self.options.connections), "-T", str(seconds),
             "-f", str(self.script)], check=True, capture_output=True, text=True, env=self.environment).stdout
        average = float(re.search(r"latency average = ([\d.]+) ms", output).group(1))
        return {"rps": float(re.search(r"^tps = ([\d.]+)", output, re.M).group(1)), "p50": average, "p99": None,
                "cpu_us": None}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True)
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--client-key", required=True)
    parser.add_argument("--user-password", required=True)
    parser.add_argument("--server", action="append", required=True, help="name,pid,port")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--only", choices=CASES)
    options = parser.parse_args()
    servers = {}
    for server in options.server:
        name, pid, port = server.split(",")
        servers[name] = (int(pid), int(port))

    print(f"| {'case':14} | {'contender':9} | {'req/s':>8} | {'p50 ms':>7} | {'p99 ms':>7} | {'CPU us/req':>10} | "
          "rate / base | CPU / base |")
    print("|---|---|---|---|---|---|---|---|")
    for case, contenders in CASES.items():
        if options.only not in (None, case):
            continue
        runners = {name: Pgbench(options.work, options) if name == "pgbench"
                   else Http(name, *servers[name.partition("+")[0]], options.work, options, what)
                   for name, what in contenders.items()}
        for runner in runners.values():
            runner.check()
            runner.run(1)
        samples = {name: [] for name in runners}
        for _ in range(options.rounds):
            for name, runner in runners.items():
                samples[name].append(runner.run(options.seconds))

        def median(name, key):
            values = [sample[key] for sample in samples[name]]
            return None if None in values else statistics.median(values)

        base = BASE[case]
        for name in sorted(runners, key=lambda one: (one != "fluxgate", one)):
            def show(key, digits):
                value = median(name, key)
                return "" if value is None else f"{value:.{digits}f}"
            rate = median(name, "rps") / median(base, "rps")
            cpu = median(name, "cpu_us"), median(base, "cpu_us")
            cpu_ratio = f"{cpu[0] / cpu[1]:.2f}" if None not in cpu else ""
            print(f"| {case:14} | {name:9} | {show('rps', 0):>8} | {show('p50', 2):>7} | {show('p99', 2):>7} | "
                  f"{show('cpu_us', 1):>10} | {rate:11.2f} | {cpu_ratio:>10} |", flush=True)


if __name__ == "__main__":
    main()
