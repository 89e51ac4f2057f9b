#!/usr/bin/env python3
"""Fails on an include that goes up or across the layers, and on a third-party header outside its home.

The table is the one of docs/architecture.md, section "Layers". Runs as a ctest.
"""
import pathlib
import re
import sys

LAYERS = {
    "loop": set(),
    "http": {"loop"},
    "pg": {"loop"},
    "rpc": {"loop", "http"},
    "oauth": {"loop", "http", "pg", "rpc"},
    "tools": {"loop", "http", "pg", "rpc"},
    "app": {"loop", "http", "pg", "rpc", "oauth", "tools"},
}
# Where a folder sees only a part of another: its file -> what of the other.
NARROW = {
    ("rpc", "http"): [(r"^rpc/streamable_http[a-z_]*\.(h|cc)$", r"^http/"), (r"", r"^http/principal\.h$")],
    ("oauth", "rpc"): [(r"", r"^rpc/json")],
}
HOMES = {
    r"^liburing": r"^loop/ring\.cc$",
    r"^openssl/": r"^loop/(tls|crypto)[a-z_]*\.(h|cc)$",
    r"^llhttp": r"^http/parser[a-z_]*\.(h|cc)$",
    r"^simdjson": r"^rpc/json_reader\.(h|cc)$",
    r"^(libpq-fe|postgresql/libpq-fe|libpq/|pg_config)": r"^pg/(connection|result|admin)[a-z_]*\.(h|cc)$",
    r"^yaml-cpp": r"^app/config[a-z_]*\.(h|cc)$",
    r"^(mimalloc)": r"^$",
}


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    faults = []
    for folder, allowed in LAYERS.items():
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in {".h", ".cc"}:
                continue
            name = str(path.relative_to(root))
            for number, line in enumerate(path.read_text().splitlines(), 1):
                found = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
                if not found:
                    continue
                target = found.group(1)
                place = f"{name}:{number}"
                top = target.split("/")[0]
                if top in LAYERS and top != folder:
                    if top not in allowed:
                        faults.append(f"{place}: {folder}/ may not include {target}")
                    elif (folder, top) in NARROW and not any(
                            re.match(file, name) and re.match(part, target) for file, part in NARROW[folder, top]):
                        faults.append(f"{place}: this file may not include {target}, only a part of {top}/")
                for pattern, home in HOMES.items():
                    if re.match(pattern, target) and not re.match(home, name):
                        faults.append(f"{place}: {target} has another home ({home})")
    print("\n".join(faults) if faults else "layers: no upward include")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
