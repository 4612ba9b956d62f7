#!/usr/bin/env bash
# Unpacks the arm64 packages that the cross build links (preset neon) into
# build-neon/sysroot. Needs no root and changes nothing of the system: apt's
# lists for arm64 lie in that folder too. Silent when they are there already.
#
#   scripts/arm64_sysroot.sh
#
# The compiler brings its own C and C++ library (g++-aarch64-linux-gnu).
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  libhwy-dev libhwy1
  libfmt-dev libfmt9
  libspdlog-dev libspdlog1.10
  libxxhash-dev libxxhash0
  libgtest-dev
  libedit-dev libedit2 libbsd0 libmd0 libtinfo6
  libcli11-dev nlohmann-json3-dev
)
root=build-neon/sysroot
apt=build-neon/apt
wanted="${packages[*]}"

[ "$(cat "$root/packages" 2>/dev/null)" != "$wanted" ] || exit 0

command -v apt-get >/dev/null || {
  echo "arm64_sysroot: this system has no apt-get, which fetches the packages" >&2
  exit 1
}
say() { printf 'arm64_sysroot: %s\n' "$*" >&2; }

say "fetching $wanted for arm64"
rm -rf "$root" "$apt"
mkdir -p "$root" "$apt/lists/partial" "$apt/cache/archives/partial" \
  "$apt/packages"
: >"$apt/status"
apt_options=(
  -qq -o=APT::Architecture=arm64 -o=APT::Architectures=arm64
  -o=APT::Sandbox::User="$(id -un)"
  -o=Dir::State="$PWD/$apt" -o=Dir::State::Lists="$PWD/$apt/lists"
  -o=Dir::State::status="$PWD/$apt/status" -o=Dir::Cache="$PWD/$apt/cache"
)
# A package repository that cannot be read is no matter when the packages come
# from the others.
apt-get "${apt_options[@]}" update 2>"$apt/messages" || {
  cat "$apt/messages" >&2
  say "apt-get update failed (see above); trying with what it has read"
}
(cd "$apt/packages" && apt-get "${apt_options[@]}" download "${packages[@]}")
for file in "$apt"/packages/*.deb; do
  dpkg-deb -x "$file" "$root"
done
rm -rf "$apt"
echo "$wanted" >"$root/packages"
