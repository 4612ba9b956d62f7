#!/usr/bin/env bash
# Installs the system packages that Hadal needs and that are missing. Says what
# it installs; silent when there is nothing to do.
#
#   scripts/setup.sh              what the build needs
#   scripts/setup.sh test fuzz    further groups, also bench and neon (the
#                                 build's always included)
#   scripts/setup.sh --venv       a Python environment for tools/oracle, in .venv
#   scripts/setup.sh --mlx        one with MLX for tests/e2e/test_mlx.py, in
#                                 .venv-mlx (140 MB)
#   scripts/setup.sh --clients    one with the client packages that the tests of
#                                 the server use, in .venv-clients, and chromium
#
# Debian 12 and its relatives: through apt-get, as root or with sudo. Elsewhere
# it names the packages and exits 1 when something is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

build_packages=(
  cmake g++ make ninja-build
  libboost1.81-dev libcli11-dev libedit-dev libfmt-dev libgtest-dev libhwy-dev
  libspdlog-dev libsqlite3-dev libssl-dev libxxhash-dev nlohmann-json3-dev
)
test_packages=(ccache clang-format git python3)
bench_packages=(libbenchmark-dev)
# Clang 14, the system's default, has no std::source_location.
fuzz_packages=(clang-16 libclang-rt-16-dev)
# The cross build for arm64 (scripts/arm64_sysroot.sh fetches its libraries).
neon_packages=(g++-aarch64-linux-gnu qemu-user)
# What the same packages are found by on other systems.
build_commands=(c++ cmake make ninja)
build_headers=(
  boost/beast.hpp CLI/CLI.hpp histedit.h fmt/format.h gtest/gtest.h
  hwy/highway.h nlohmann/json.hpp openssl/ssl.h spdlog/spdlog.h sqlite3.h
  xxhash.h
)

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

packages=("${build_packages[@]}")
commands=("${build_commands[@]}")
headers=("${build_headers[@]}")
venv=false
mlx=false
clients=false
for group in "$@"; do
  case "$group" in
    build) ;;
    test)
      packages+=("${test_packages[@]}")
      commands+=(clang-format git python3)
      ;;
    bench)
      packages+=("${bench_packages[@]}")
      headers+=(benchmark/benchmark.h)
      ;;
    fuzz)
      packages+=("${fuzz_packages[@]}")
      commands+=(clang++-16)
      ;;
    neon)
      packages+=("${neon_packages[@]}")
      commands+=(aarch64-linux-gnu-g++ qemu-aarch64 apt-get)
      ;;
    --venv)
      packages+=(python3 python3-venv)
      commands+=(python3)
      venv=true
      ;;
    --mlx)
      packages+=(python3 python3-venv)
      commands+=(python3)
      mlx=true
      ;;
    --clients)
      packages+=(chromium python3 python3-venv)
      commands+=(chromium python3)
      clients=true
      ;;
    -h | --help)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"
      exit 0
      ;;
    *) die "unknown group '$group'; the groups are build, test, bench, fuzz, neon, --venv, --mlx, --clients" ;;
  esac
done

install_with_apt() {
  local missing=() package status
  for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) ||
      status=
    [ "$status" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "these packages are missing and this" \
      "user is not root and has no sudo; ask for: apt-get install" \
      "${missing[*]}"
    as_root=(sudo)
    sudo env true || die "sudo refuses (see above); ask for: apt-get install" \
      "${missing[*]}"
  fi
  say "installing ${missing[*]}"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o=Dpkg::Use-Pty=0)
  # A package repository that cannot be read is no matter when the packages
  # come from the others.
  "${as_root[@]}" "${apt[@]}" update ||
    say "apt-get update failed (see above); trying with the lists at hand"
  "${as_root[@]}" "${apt[@]}" install --no-install-recommends -y \
    "${missing[@]}" >/dev/null ||
    die "apt-get could not install them (see above)"
}

name_for_other_systems() {
  local missing=() item
  for item in "${commands[@]}"; do
    command -v "$item" >/dev/null || missing+=("$item")
  done
  if command -v c++ >/dev/null; then
    for item in "${headers[@]}"; do
      echo "#include <$item>" | c++ -std=c++20 -E -x c++ - >/dev/null 2>&1 ||
        missing+=("<$item>")
    done
  fi
  [ ${#missing[@]} -gt 0 ] || return 0
  say "missing: ${missing[*]}"
  say "this system has no apt-get; please install, then run again:"
  say "  Fedora  dnf install gcc-c++ cmake make ninja-build boost-devel openssl-devel sqlite-devel cli11-devel libedit-devel fmt-devel gtest-devel google-highway-devel spdlog-devel xxhash-devel json-devel (tests: clang clang-tools-extra git python3)"
  say "  Arch    pacman -S gcc cmake make ninja boost openssl sqlite cli11 libedit fmt gtest highway spdlog xxhash nlohmann-json (tests: clang git python)"
  say "  macOS   brew install cmake ninja boost openssl sqlite cli11 fmt googletest highway spdlog xxhash nlohmann-json (tests: clang-format@14)"
  exit 1
}

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
  install_with_apt
else
  name_for_other_systems
fi

if $venv; then
  [ -x .venv/bin/python ] || python3 -m venv .venv
  say "installing tools/oracle/requirements.txt into .venv"
  .venv/bin/pip install -q -r tools/oracle/requirements.txt
fi

if $mlx; then
  [ -x .venv-mlx/bin/python ] || python3 -m venv .venv-mlx
  .venv-mlx/bin/python -c 'import mlx.core' 2>/dev/null || {
    say "installing tools/mlx/requirements.txt into .venv-mlx"
    .venv-mlx/bin/pip install -q -r tools/mlx/requirements.txt
  }
fi

if $clients; then
  [ -x .venv-clients/bin/python ] || python3 -m venv .venv-clients
  .venv-clients/bin/python -c 'import anthropic, jsonschema, openai, playwright, pydantic' 2>/dev/null || {
    say "installing tools/clients/requirements.txt into .venv-clients"
    .venv-clients/bin/pip install -q -r tools/clients/requirements.txt
  }
fi
