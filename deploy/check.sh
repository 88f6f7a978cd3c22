#!/usr/bin/env bash
# npm run check: format, lint, layers, types, clippy. Fast, changes nothing.
source "$(dirname "$0")/lib.sh"
install_node_modules
cd "$ROOT"
step "format"
oxfmt --check
cargo fmt --all --check --manifest-path native/Cargo.toml
step "lint, with types and layers"
oxlint --type-aware
step "types"
tsc -b
step "generated code and lock"
node deploy/lock-platforms.mjs --check
# A lock that lacks what a package.json asks for is refused by npm ci, and by nothing before it.
npm ci --dry-run --ignore-scripts --offline --silent >/dev/null ||
  fail "package-lock.json does not fit the package.json files: npm install --package-lock-only"
step "clippy"
cargo clippy --release --locked --quiet --all-targets --manifest-path native/Cargo.toml -- -D warnings
printf '%scheck: all good%s\n' "$green" "$plain"
