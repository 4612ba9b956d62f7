# The front door. Everything real happens in CMake (CMakePresets.json) and in
# scripts/; `make help` lists the targets.
.DEFAULT_GOAL := build
.PHONY: help demo build test sanitize fuzz tsan neon test-cuda nightly bench format \
        check-format install clean
MAKEFLAGS += --no-print-directory

PREFIX ?= /usr/local
JOBS ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
CTEST = ctest --output-on-failure -j $(JOBS)
STORY = Tell me a story about a fox named Nina.

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22

demo: build ## install what is missing, build, tell a story with the nano model
	@build/hadal generate --prompt "$(STORY)" --temperature 0

build: setup-build ## the program, as build/hadal
	@cmake --preset cpu $(QUIET_CONFIGURE)
	@cmake --build --preset cpu --parallel $(JOBS) --target hadal_cli

test: ## every test that needs no accelerator, format check and sanitizers too
	@JOBS=$(JOBS) scripts/test.sh

sanitize: setup-test ## all tests under the address and undefined sanitizers
	@cmake --preset cpu-debug $(QUIET_CONFIGURE)
	@cmake --build --preset cpu-debug --parallel $(JOBS)
	@$(CTEST) --preset cpu-debug

tsan: setup-test ## the thread team's tests under the thread sanitizer
	@cmake --preset tsan $(QUIET_CONFIGURE)
	@cmake --build --preset tsan --parallel $(JOBS)
	@$(CTEST) --preset tsan

fuzz: setup-fuzz ## a short run of every fuzz target (clang)
	@cmake --preset fuzz $(QUIET_CONFIGURE)
	@cmake --build --preset fuzz --parallel $(JOBS)
	@$(CTEST) --preset fuzz

neon: setup-neon ## the kernel tests on arm64, cross-built, under qemu
	@cmake --preset neon $(QUIET_CONFIGURE)
	@cmake --build --preset neon --parallel $(JOBS)
	@$(CTEST) --preset neon

test-cuda: setup-test ## kernels, laws and goldens on this machine's GPU (needs nvcc)
	@scripts/test_cuda.sh

nightly: setup-test ## also the tests that `make test` leaves out for their time
	@cmake --preset cpu $(QUIET_CONFIGURE)
	@cmake --build --preset cpu --parallel $(JOBS)
	@$(CTEST) --test-dir build

bench: setup-bench ## speeds and their share of what this machine can do (minutes)
	@cmake --preset bench $(QUIET_CONFIGURE)
	@cmake --build --preset bench --parallel $(JOBS) --target hadal_cli hadal_benches
	@build/hadal bench --kernels --synthetic flash:layers=8,experts=32 \
	  --context 1K,64K,1M --batch 1,8

format: setup-test ## format the tracked sources
	@scripts/format.sh

check-format: setup-test ## name the sources that are not formatted
	@scripts/format.sh --check

install: build ## program, library, headers and nano model into PREFIX
	@cmake --build --preset cpu --parallel $(JOBS)
	@cmake --install build --prefix $(PREFIX)

clean: ## remove all build folders
	@rm -rf build build-debug build-tsan build-neon build-cuda build-fuzz

.PHONY: setup-build setup-test setup-bench setup-fuzz setup-neon
setup-build:
	@scripts/setup.sh build
setup-test:
	@scripts/setup.sh test
setup-bench:
	@scripts/setup.sh bench
setup-fuzz:
	@scripts/setup.sh test fuzz
setup-neon:
	@scripts/setup.sh test neon
	@scripts/arm64_sysroot.sh

# Errors and warnings of CMake go to stderr and stay visible.
QUIET_CONFIGURE = >/dev/null
