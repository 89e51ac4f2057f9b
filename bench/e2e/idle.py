#!/usr/bin/env python3
"""What an idle keep-alive connection costs a running fluxgate in resident memory.

    ./bench/e2e/idle.py PID PORT [COUNT]

Opens COUNT (10,000) connections from many loopback addresses, sends one health request on each, and compares
the server's resident memory before, at half and after: the second half is free of what a fresh process takes
once. The kernel's socket buffers are not in it.
"""
import resource
import socket
import sys

REQUEST = b"GET /mcp/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
PER_ADDRESS = 200  # fluxgate takes 256 of one address


def resident_kb(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise SystemExit(f"no process {pid}")


def main():
    pid, port = int(sys.argv[1]), int(sys.argv[2])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 10_000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    before = resident_kb(pid)
    connections = []
    for number in range(count):
        address = number // PER_ADDRESS
        source = f"127.0.{1 + address // 250}.{1 + address % 250}"
        connection = socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0))
        connection.sendall(REQUEST)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200"), f"connection {number} was turned away"
        connections.append(connection)
        if number + 1 == count // 2:
            half = resident_kb(pid)
    after = resident_kb(pid)
    print(f"{count} idle connections: {before} kB -> {half} kB -> {after} kB; "
          f"{(after - before) * 1024 / count:.0f} bytes each, of the second half "
          f"{(after - half) * 1024 / (count - count // 2):.0f}")


if __name__ == "__main__":
    main()
