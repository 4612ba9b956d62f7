#!/usr/bin/env bash
# Formats the tracked C++ sources, or with --check only names those that differ.
# The layout is that of clang-format 14; other versions break lines otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=
for candidate in clang-format-14 clang-format; do
  if command -v "$candidate" >/dev/null &&
    "$candidate" --version | grep -q 'version 14\.'; then
    tool=$candidate
    break
  fi
done
[ -n "$tool" ] || {
  echo "format: clang-format 14 is needed; scripts/setup.sh test installs it" >&2
  exit 1
}

folders=(include src tests examples)
mapfile -t files < <(git ls-files -- '*.h' '*.cpp' '*.cu' '*.cuh' 2>/dev/null)
# Not a git checkout (a source archive): everything in the source folders.
[ ${#files[@]} -gt 0 ] ||
  mapfile -t files < <(find "${folders[@]}" -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh')
case "${1-}" in
  "") "$tool" -i "${files[@]}" ;;
  --check) "$tool" --dry-run -Werror "${files[@]}" ;;
  *) echo "format: usage: scripts/format.sh [--check]" >&2; exit 2 ;;
esac
