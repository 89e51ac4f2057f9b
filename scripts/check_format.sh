#!/usr/bin/env bash
# Holds the sources to .clang-format; `scripts/check_format.sh --fix` rewrites them.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
mode=(--dry-run -Werror)
[[ ${1:-} != --fix ]] || mode=(-i)
find loop http pg rpc oauth tools app bench tests \( -name node_modules -prune \) -o \
    \( -name '*.h' -o -name '*.cc' \) -print0 | xargs -0 clang-format-19 "${mode[@]}"
echo "formatted"
