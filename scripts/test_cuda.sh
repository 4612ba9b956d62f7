#!/usr/bin/env bash
# `make test-cuda`: builds with the CUDA kernels and runs what needs a GPU: the
# case tables of every kernel, the laws and sessions of the bundled model, its
# golden file in both precisions and without the roundings, full-size layers
# timed, and a short generation under compute-sanitizer.
#
#   scripts/test_cuda.sh               builds in build-cuda first
#   scripts/test_cuda.sh --run FOLDER  runs what lies in FOLDER: hadal,
#                                      hadal_cuda_kernels_test,
#                                      hadal_generation_cuda_test,
#                                      hadal_engine_test
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1-}" = --run ]; then
  programs=$2
else
  nvcc=$(PATH=$PATH:/usr/local/cuda/bin command -v nvcc) || {
    echo "test_cuda: nvcc is missing; install NVIDIA's CUDA toolkit" >&2
    exit 1
  }
  CUDACXX=$nvcc cmake --preset cuda >/dev/null
  cmake --build --preset cuda --parallel \
    --target hadal_cli hadal_cuda_kernels_test hadal_generation_cuda_test \
    hadal_engine_test -- --quiet
  programs=build-cuda/test-cuda
  mkdir -p "$programs"
  ln -sf "$PWD"/build-cuda/hadal "$PWD"/build-cuda/src/kernels/hadal_cuda_kernels_test \
    "$PWD"/build-cuda/src/generation/hadal_generation_cuda_test \
    "$PWD"/build-cuda/src/engine/hadal_engine_test "$programs"
fi

step() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }
golden=models/nano/golden.safetensors
verify() { "$programs/hadal" verify --device cuda "$@" "$golden"; }

step doctor
"$programs/hadal" doctor --no-times
step kernels
"$programs/hadal_cuda_kernels_test" --gtest_brief=1
step sampling
"$programs/hadal_generation_cuda_test" --gtest_brief=1
step "golden, default"
verify
step "golden, exact"
verify --precision exact
step "golden, without roundings"
verify --precision exact --kv-fp8 off --index-fp4 off
step "laws and sessions"
HADAL_TEST_DEVICE=cuda "$programs/hadal_engine_test" --gtest_brief=1

step "full-size layers"
"$programs/hadal" bench --device cuda --synthetic flash:layers=8 \
  --context 1K,64K,1M --batch 1,4,16,64 --prompt 2048,8192 --seconds 0.5

sanitizer=$(PATH=$PATH:/usr/local/cuda/bin command -v compute-sanitizer) || {
  echo "test_cuda: no compute-sanitizer here; its checks are left out" >&2
  exit 0
}
for tool in memcheck racecheck initcheck; do
  step "$tool"
  "$sanitizer" --tool "$tool" --error-exitcode 1 \
    "$programs/hadal_cuda_kernels_test" --gtest_brief=1 | tail -n 3
  "$sanitizer" --tool "$tool" --error-exitcode 1 "$programs/hadal" generate \
    --device cuda --prompt "Tell me a story." --temperature 0 --max-tokens 8 |
    tail -n 2
done
step passed
