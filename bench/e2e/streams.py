#!/usr/bin/env python3
"""10,000 open streams of events: their memory, how fast a changed schema reaches all, and what other calls feel.

    ./bench/e2e/streams.py STATE_DIR PORT [COUNT] [session|listen]
                                     (of a freshly started ./scripts/dev.sh --state STATE_DIR --port PORT)

`session` (as it is without): GET streams of COUNT sessions, revision 2025-11-25; `listen`: subscriptions/listen of
2026-07-28. Memory is the growth of the server's resident memory, and that of the second half of the streams alone,
which is free of what a fresh process takes once; the kernel's sockets are not in it. A change is a CREATE TABLE: from
before it is sent to PostgreSQL until this client has read the last stream's notification, on the same cores. Calls
are query_table of ten rows, every 2 ms, on a connection of their own: medians of rounds with and without the streams
in turn.
"""
import json
import pathlib
import re
import resource
import select
import socket
import statistics
import subprocess
import sys
import time

from idle import PER_ADDRESS, resident_kb
from slow_neighbour import latencies

ROUNDS, SECONDS, CHANGES = 5, 4, 5
TABLE = "bench_streams"
HEARD = b"notifications/resources/list_changed"
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


def message(method, params):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})


def head(method, fields, body=""):
    lines = [f"{method} /mcp HTTP/1.1", "Host: localhost", "Accept: application/json, text/event-stream"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class Stream:
    """One connection with a stream on it, from an address of its own for every PER_ADDRESS of them."""

    def __init__(self, port, key, number, kind):
        address = number // PER_ADDRESS
        source = f"127.6.{1 + address // 250}.{1 + address % 250}"
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0))
        if kind == "session":
            session = self.initialize(key)
            self.socket.sendall(head("GET", {"X-Client-Key": key, "Mcp-Session-Id": session,
                                             "MCP-Protocol-Version": "2025-11-25"}))
        else:
            body = message("subscriptions/listen", {"notifications": {"resourcesListChanged": True}, "_meta": META})
            self.socket.sendall(head("POST", {"X-Client-Key": key, "MCP-Protocol-Version": "2026-07-28",
                                              "Mcp-Method": "subscriptions/listen"}, body))
        # With the first event: what comes later is a notification.
        first = self.read_until(lambda text: b"\ndata:" in text)
        assert first.startswith(b"HTTP/1.1 200") and b"text/event-stream" in first, first
        self.received = b""

    def initialize(self, key):
        body = message("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                      "clientInfo": {"name": "bench", "version": "1"}})
        self.socket.sendall(head("POST", {"X-Client-Key": key}, body))
        answer = self.read_until(lambda text: text.endswith(b"}")).decode()
        return re.search(r"^Mcp-Session-Id: (\S+)", answer, re.M | re.I).group(1)

    def read_until(self, is_whole):
        text = b""
        while not is_whole(text):
            part = self.socket.recv(65536)
            assert part, f"the server closed: {text[:300]}"
            text += part
        return text


def open_streams(port, key, count, kind, at_half=lambda: None):
    streams = []
    for number in range(count):
        streams.append(Stream(port, key, number, kind))
        if number + 1 == count // 2:
            at_half()
    return streams


def close_streams(streams):
    for stream in streams:
        stream.socket.close()
    time.sleep(2)  # until the server has noticed all of them


class Psql:
    """One connection for all changes: a start of psql is not part of what is measured."""

    def __init__(self, url):
        command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", "SET client_min_messages = warning", "-f", "-", url]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, sql):
        self.process.stdin.write(sql + "\n")
        self.process.stdin.flush()

    def run(self, sql):
        self.send(sql + "; SELECT 'done';")
        assert self.process.stdout.readline() == "done\n"

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def time_of_a_change(psql, streams, poller, by_fd):
    """ms until the median stream, and until the last one, has heard of a new table."""
    waiting = {stream.socket.fileno() for stream in streams}
    times = []
    start = time.perf_counter()
    psql.send(f"CREATE TABLE public.{TABLE} (id int);")
    while waiting:
        ready = poller.poll(10)
        assert ready, f"{len(waiting)} streams have not heard of the change in 10 s"
        for fd, _ in ready:
            stream = by_fd[fd]
            part = stream.socket.recv(65536)
            assert part, "the server closed a stream"
            stream.received += part
            if HEARD not in stream.received:
                continue
            stream.received = b""
            if fd in waiting:
                waiting.discard(fd)
                times.append((time.perf_counter() - start) * 1000)
    psql.run(f"DROP TABLE public.{TABLE}")
    settle(poller, by_fd)
    return times[len(times) // 2], times[-1]


def settle(poller, by_fd):
    """Reads what is still coming (the DROP) until a second is silent but for keep-alives."""
    quiet_since = time.perf_counter()
    while time.perf_counter() - quiet_since < 1:
        for fd, _ in poller.poll(0.1):
            if b"data:" in by_fd[fd].socket.recv(65536):
                quiet_since = time.perf_counter()
            by_fd[fd].received = b""


def main():
    state, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 10_000
    kind = sys.argv[4] if len(sys.argv) > 4 else "session"
    assert kind in ("session", "listen"), __doc__
    key = (state / "client.key").read_text().strip()
    pid = int((state / "fluxgate.pid").read_text())
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    psql = Psql((state / "postgres.url").read_text().strip())
    psql.run(f"DROP TABLE IF EXISTS public.{TABLE}")

    latencies(port, key, 1)
    memory = [resident_kb(pid)]
    began = time.perf_counter()
    streams = open_streams(port, key, count, kind, lambda: memory.append(resident_kb(pid)))
    opening_s = time.perf_counter() - began
    memory.append(resident_kb(pid))

    poller, by_fd = select.epoll(), {stream.socket.fileno(): stream for stream in streams}
    for fd in by_fd:
        poller.register(fd, select.EPOLLIN)
    settle(poller, by_fd)
    changes = [time_of_a_change(psql, streams, poller, by_fd) for _ in range(CHANGES)]
    told = resident_kb(pid)
    poller.close()
    psql.close()

    beside, quiet = [latencies(port, key, SECONDS)], []
    for turn in range(ROUNDS):
        close_streams(streams)
        quiet.append(latencies(port, key, SECONDS))
        if turn + 1 < ROUNDS:
            streams = open_streams(port, key, count, kind)
            beside.append(latencies(port, key, SECONDS))

    def median(rounds, which):
        return statistics.median(one[which] for one in rounds)

    p99 = median(quiet, 1), median(beside, 1)
    rows = [
        ("opened", f"{count / opening_s:.0f} a second"),
        ("resident memory", f"{memory[0]} kB -> {memory[1]} kB -> {memory[2]} kB; {told} kB after the changes"),
        ("a stream, beside its socket", f"{(memory[2] - memory[0]) * 1024 / count:.0f} bytes"),
        ("a stream of the second half", f"{(memory[2] - memory[1]) * 1024 / (count - count // 2):.0f} bytes"),
        (f"a change, to half / to all (bar 1000), {CHANGES} times",
         f"median {median(changes, 0):.0f} / {median(changes, 1):.0f} ms, worst {max(one[1] for one in changes):.0f} ms"),
        ("p50 of calls, without / with", f"{median(quiet, 0):.2f} / {median(beside, 0):.2f} ms"),
        ("p99 of calls, without / with", f"{p99[0]:.2f} / {p99[1]:.2f} ms: {p99[1] / p99[0] - 1:+.0%} (bar +20 %)"),
    ]
    width = max(len(name) for name, _ in rows)
    print(f"| {f'{count} streams, {kind}':{width}} | |\n|---|---|")
    for name, value in rows:
        print(f"| {name:{width}} | {value} |")


if __name__ == "__main__":
    main()
