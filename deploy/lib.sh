# Shared by the scripts of this folder: messages, the checks that come before any change, build steps.
# Sourced, never run. ROOT is the checkout.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
NODE_MAJOR=24
RUST_MINIMUM=1.88

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else bold='' dim='' red='' green='' plain=''; fi

step() { printf '%s==>%s %s\n' "$bold" "$plain" "$*"; }
note() { printf '    %s%s%s\n' "$dim" "$*" "$plain"; }
fail() { printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2; exit 1; }

# at_least HAVE WANT: true when version HAVE is WANT or newer.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

require_root() { [ "$(id -u)" = 0 ] || fail "$1 needs root: namespaces, cgroups and mounts are made. Try: sudo $2"; }

require_debian() {
  [ "$(uname -s)" = Linux ] || fail "Gantry runs on Linux; this is $(uname -s)"
  command -v apt-get >/dev/null || fail "this script installs with apt-get, which is not here. Gantry is tested on Debian 12 and newer"
}

require_rust() {
  local have
  have=$(cargo --version 2>/dev/null | cut -d' ' -f2) || true
  [ -n "$have" ] || fail "cargo is not installed. Install Rust $RUST_MINIMUM or newer (https://rustup.rs), then run this again"
  at_least "$have" "$RUST_MINIMUM" || fail "cargo $have is too old: Rust $RUST_MINIMUM or newer is needed (rustup update)"
}

# debian_packages NAME…: those that are not installed yet.
debian_missing() {
  local name
  for name in "$@"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$name"
  done
}

install_debian() {
  local missing
  missing=$(debian_missing "$@")
  [ -n "$missing" ] || return 0
  step "installing from Debian: $missing"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 ||
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null; } ||
    fail "apt-get could not install $missing (its words are above)"
}

# The toolchain that the lock names; done again only when the lock has changed.
install_node_modules() {
  local stamp=$ROOT/node_modules/.gantry-lock
  if ! cmp -s "$ROOT/package-lock.json" "$stamp"; then
    step "npm ci (Node $NODE_MAJOR, TypeScript, libraries)"
    (cd "$ROOT" && npm ci --no-audit --no-fund --loglevel=error)
    cp "$ROOT/package-lock.json" "$stamp"
  fi
  export PATH=$ROOT/node_modules/.bin:$PATH
  [ "$(node -p 'process.versions.node.split(".")[0]')" = "$NODE_MAJOR" ] ||
    fail "Node $NODE_MAJOR did not come with npm ci (is this x64 or arm64, and are optional dependencies allowed?)"
}

build_native() {
  step "building native/ (cargo, release)"
  cargo build --release --locked --quiet --manifest-path "$ROOT/native/Cargo.toml"
}

build_typescript() {
  step "building apps/ and libs/ (tsc)"
  (cd "$ROOT" && tsc -b && node apps/cli/build.mjs && node apps/node-agent/build.mjs &&
    node apps/control-plane/build.mjs)
}
