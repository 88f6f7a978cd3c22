#!/usr/bin/env bash
# npm test: installs what the tests need, then everything that must pass, on real parts.
# Every suite runs even after one has failed; the last lines name what failed and count all.
source "$(dirname "$0")/lib.sh"
require_root "npm test" "npm test"
require_debian
require_rust
install_debian iproute2 nftables procps curl ca-certificates systemd systemd-container user-mode-linux kmod strace erofs-utils
"$ROOT/deploy/engines.sh" skopeo umoci buildah containernetworking-plugins iptables
install_node_modules
cd "$ROOT"
results=$ROOT/test-results
rm -rf "$results" && mkdir -p "$results"
failed=()

# suite NAME COMMAND…: runs it, remembers that it failed.
suite() {
  local name=$1 begin=$SECONDS
  shift
  step "$name"
  "$@" 2>&1 | tee "$results/$name.log" || failed+=("$name")
  note "$name: $((SECONDS - begin)) s"
}

vitest_suite() {
  local name=$1
  shift
  suite "$name" vitest run "$@" --reporter=default --reporter=json --outputFile.json="$results/$name.json"
}

step "tools for the tests (etcd, kubectl, docker-registry)"
tools=$(deploy/tools.sh)
export PATH=$tools:$PATH
suite check deploy/check.sh
suite build bash -c 'source deploy/lib.sh; build_native; build_typescript'
suite native cargo test --release --locked --no-fail-fast --manifest-path native/Cargo.toml -- --test-threads=2
vitest_suite unit
vitest_suite e2e --config e2e/vitest.config.ts
node deploy/count-tests.mjs "$results" "${failed[@]}"
