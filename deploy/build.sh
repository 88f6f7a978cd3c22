#!/usr/bin/env bash
# npm run build: the native programs (release), TypeScript, the bundles.
source "$(dirname "$0")/lib.sh"
require_rust
install_node_modules
build_native
build_typescript
