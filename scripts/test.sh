#!/usr/bin/env bash
# `make test`: every test that needs no accelerator. The stages, in order:
#
#   setup       installs missing packages
#   format      clang-format over the tracked sources
#   build       the release build, warnings are errors
#   tests       ctest without the label `nightly`
#   sanitizers  the labels of $SANITIZE_LABELS once more, built with the address
#               and undefined-behaviour sanitizers (`make sanitize`: all tests)
#   neon        the kernel tests on arm64, cross-built, under qemu; left out on
#               machines that are no x86
#   cuda        the CUDA kernels are compiled, for one architecture, where nvcc
#               is; `make test-cuda` runs them
#   fuzz        every libFuzzer target for a few seconds, built with clang
#
# A stage that fails does not keep the later ones from running; the last line
# counts all tests and checks, and the exit status is 1 when any failed.
set -uo pipefail
cd "$(dirname "$0")/.."

jobs=${JOBS:-$(nproc)}
sanitize_labels=${SANITIZE_LABELS:-'^(unit|sanitize)$'}
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
passed=0
failed=0

stage() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }

# check NAME COMMAND...: one thing that passes or fails.
check() {
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '== failed: %s\n' "$name"
    return 1
  fi
}

# tests NAME CTEST-ARGUMENTS...: adds up what ctest counts.
tests() {
  local name=$1 log="$logs/$1" of bad
  shift
  ctest --output-on-failure --no-tests=error -j "$jobs" "$@" | tee "$log"
  local status=${PIPESTATUS[0]}
  read -r bad of < <(sed -n \
    's/.* \([0-9]*\) tests failed out of \([0-9]*\)$/\1 \2/p' "$log")
  passed=$((passed + ${of:-0} - ${bad:-0}))
  failed=$((failed + ${bad:-0}))
  if [ "$status" -ne 0 ] && [ "${bad:-0}" -eq 0 ]; then
    failed=$((failed + 1))
    printf '== failed: %s\n' "$name"
  fi
}

# build PRESET
build() {
  cmake --preset "$1" >"$logs/configure" || {
    cat "$logs/configure"
    return 1
  }
  cmake --build --preset "$1" --parallel "$jobs" -- --quiet
}

build_cuda() {
  CUDACXX=$nvcc cmake --preset cuda -DHADAL_SERVER=OFF \
    -DCMAKE_CUDA_ARCHITECTURES=90a-real >"$logs/configure" || {
    cat "$logs/configure"
    return 1
  }
  cmake --build --preset cuda --parallel "$jobs" --target hadal_kernels_cuda \
    -- --quiet
}

stage setup
scripts/setup.sh test fuzz $([ "$(uname -m)" != x86_64 ] || echo neon) || exit 1
command -v python3 >/dev/null || {
  echo "test: python3 is missing, which the end-to-end tests need" >&2
  exit 1
}

# MLX's own judgement of what we write; without a network its tests are skipped.
scripts/setup.sh --mlx ||
  echo "test: no MLX; tests/e2e/test_mlx.py will be skipped" >&2

# The official client packages and a browser, likewise.
scripts/setup.sh --clients ||
  echo "test: no client packages; the tests of the server with them will be skipped" >&2

stage format
check format scripts/format.sh --check

stage build
if check build build cpu; then
  stage tests
  tests tests --preset cpu
fi

stage sanitizers
if check sanitizers-build build cpu-debug; then
  tests sanitizers --preset cpu-debug -L "$sanitize_labels"
fi

if [ "$(uname -m)" = x86_64 ]; then
  stage neon
  if check neon-libraries scripts/arm64_sysroot.sh &&
    check neon-build build neon; then
    tests neon --preset neon
  fi
fi

nvcc=$(PATH=$PATH:/usr/local/cuda/bin command -v nvcc)
if [ -n "$nvcc" ]; then
  stage cuda
  check cuda-build build_cuda
fi

stage fuzz
if check fuzz-build build fuzz; then
  tests fuzz --preset fuzz
fi

stage end
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
