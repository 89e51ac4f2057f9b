#!/usr/bin/env bash
# Compiles every header of ours alone, so that none leans on what its includer happened to include.
#   scripts/check_headers.sh [compiler]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
compiler=${1:-clang++-19}
find loop http pg rpc oauth tools app -name '*.h' -print0 |
    xargs -0 -n 1 -P "$(nproc)" "$compiler" -std=c++23 -I. -isystem .deps/include -fsyntax-only -x c++-header
echo "every header compiles alone"
