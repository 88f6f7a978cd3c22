#!/usr/bin/env bash
# Installs the container engines of Debian that the tests drive our runtime with and that benches compare to.
# None of their services is started: a policy of 101 forbids it while they are installed.
source "$(dirname "$0")/lib.sh"
require_root "deploy/engines.sh" "deploy/engines.sh"
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod +x $policy
  trap 'rm -f $policy' EXIT
fi
install_debian docker.io podman containerd runc crun conmon "$@"
