#!/usr/bin/env python3
"""What a fast call costs while another tenant's statements sleep for half a second, ten a second.

    ./bench/e2e/slow_neighbour.py STATE_DIR PORT      (of a running ./scripts/dev.sh --state STATE_DIR --port PORT)

One client of alice's asks for ten rows every 2 ms, on a connection of its own; bob's calls read a view that sleeps.
Rounds with and without bob's calls alternate; quoted are the medians of their p50 and p99.
"""
import http.client
import json
import pathlib
import statistics
import subprocess
import sys
import threading
import time

ROUNDS, SECONDS = 5, 3
PACE_S, SLOW_EVERY_S = 0.002, 0.1
VIEW = "bench_half_a_second"


def call(connection, key, table):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "query_table", "arguments": {"table": table, "limit": 10}}})
    connection.request("POST", "/mcp", body, {"Content-Type": "application/json", "X-Client-Key": key})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def slow_calls(port, key, until, statuses):
    def one():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        statuses.append(call(connection, key, VIEW)[0])
        connection.close()
    threads = []
    while time.monotonic() < until:
        threads.append(threading.Thread(target=one))
        threads[-1].start()
        time.sleep(SLOW_EVERY_S)
    for thread in threads:
        thread.join()


def latencies(port, key, seconds):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    took, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        start = time.perf_counter()
        status, text = call(connection, key, "products")
        took.append(time.perf_counter() - start)
        assert status == 200 and '"isError":false' in text, text
        time.sleep(PACE_S)
    connection.close()
    took.sort()
    return [took[len(took) // 2] * 1000, took[len(took) * 99 // 100] * 1000]


def main():
    state, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    fast_key, slow_key = ((state / name).read_text().strip() for name in ("client.key", "client-bob.key"))
    url = (state / "postgres.url").read_text().strip()

    def psql(sql):
        subprocess.run(["psql", "-XqAtc", sql, url], check=True, stdout=subprocess.DEVNULL)

    psql(f"CREATE OR REPLACE VIEW public.{VIEW} AS SELECT 1 AS n, pg_sleep(0.5)::text AS slept;"
         f"GRANT SELECT ON public.{VIEW} TO authenticated")
    try:
        time.sleep(1)  # until the schema change has arrived
        latencies(port, fast_key, 1)
        quiet, beside, statuses = [], [], []
        for _ in range(ROUNDS):
            quiet.append(latencies(port, fast_key, SECONDS))
            slow = threading.Thread(target=slow_calls,
                                    args=(port, slow_key, time.monotonic() + SECONDS + 0.5, statuses))
            slow.start()
            time.sleep(0.5)
            beside.append(latencies(port, fast_key, SECONDS))
            slow.join()
    finally:
        psql(f"DROP VIEW public.{VIEW}")
    median = {name: [statistics.median(column) for column in zip(*rounds)]
              for name, rounds in {"quiet": quiet, "beside": beside}.items()}
    for name, (p50, p99) in median.items():
        print(f"{name:6}  p50 {p50:.2f} ms  p99 {p99:.2f} ms")
    print(f"ratio   p50 {median['beside'][0] / median['quiet'][0]:.2f}     p99 "
          f"{median['beside'][1] / median['quiet'][1]:.2f}")
    print(f"slow calls: {statuses.count(200)} answered, {len(statuses) - statuses.count(200)} told to come back later")


if __name__ == "__main__":
    main()
