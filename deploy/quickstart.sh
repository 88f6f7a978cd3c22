#!/usr/bin/env bash
# npm run quickstart: the main job on one machine, from nothing. `-- --down` removes all of it.
source "$(dirname "$0")/lib.sh"
STATE=${GANTRY_QUICKSTART_STATE:-/var/lib/gantry-quickstart}
RUN=/run/gantry-quickstart
REGISTRY=127.0.0.1:5000
PACKAGES=(iproute2 nftables procps curl ca-certificates)
NATIVE=$ROOT/native/target/release
export KUBECONFIG=$STATE/control-plane/admin.kubeconfig

usage() { cat <<TEXT
npm run quickstart            install, build, start everything on this machine, deploy an example
npm run quickstart -- --down  stop and remove everything it made (Debian packages stay)
npm run quickstart -- --help  this text
TEXT
}

# alive NAME: the program of that pidfile runs and is ours (a pid alone could be somebody else's by now).
alive() {
  local pid
  pid=$(cat "$RUN/$1.pid" 2>/dev/null) && grep -qz -- "$STATE" "/proc/$pid/cmdline" 2>/dev/null
}

# start NAME COMMAND…: in a session of its own, so that it outlives this terminal.
start() {
  local name=$1
  shift
  if alive "$name"; then note "$name already runs (pid $(cat "$RUN/$name.pid"))"; return; fi
  setsid "$@" </dev/null >>"$STATE/$name.log" 2>&1 &
  echo $! >"$RUN/$name.pid"
  note "$name started (pid $!, log $STATE/$name.log)"
}

# wait_until SECONDS WHAT LOG COMMAND…
wait_until() {
  local seconds=$1 what=$2 log=$3 begin=$SECONDS
  shift 3
  until "$@" >/dev/null 2>&1; do
    if [ $((SECONDS - begin)) -ge "$seconds" ]; then
      tail -n 15 "$log" >&2 || true
      fail "waited $seconds s for $what in vain; the end of $log is above"
    fi
    sleep 0.1
  done
}

stop() {
  local name=$1 pid
  alive "$name" || return 0
  pid=$(cat "$RUN/$name.pid")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 200); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null || true
}

down() {
  require_root "npm run quickstart -- --down" "npm run quickstart -- --down"
  step "stopping the control plane, the agent, the registry"
  for name in agent control-plane registry; do stop "$name"; done
  if [ -d "$STATE/agent" ]; then
    step "stopping containers, removing networks, cgroups and mounts"
    agent teardown --data-dir "$STATE/agent" --run-dir "$RUN/agent" --native-dir "$NATIVE" >/dev/null ||
      fail "teardown failed, so nothing was deleted: its words are above; mend that and run --down again"
  fi
  rm -rf "$STATE" "$RUN"
  printf '%sNothing of the quickstart is left.%s Debian packages stay: %s\n' "$green" "$plain" "${PACKAGES[*]}"
}

agent() { "$ROOT/apps/node-agent/bin/gantry-agent" "$@"; }
gantry() { node "$ROOT/apps/cli/dist/gantry.cjs" "$@"; }

require_free_port() {
  local port=$1 name=$2
  alive "$name" && return
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    fail "port $port is taken by another program, and the $name needs it. See who: ss -ltnp 'sport = :$port'"
  fi
}

# All that could stop us is found before anything is changed.
preflight() {
  require_root "npm run quickstart" "npm run quickstart"
  require_debian
  require_rust
  command -v npm >/dev/null || fail "npm is not installed: apt-get install npm"
  command -v cc >/dev/null || fail "a C linker is needed to build native/: apt-get install gcc"
  require_free_port 6443 control-plane
  require_free_port 6444 control-plane
  require_free_port 6445 agent
  require_free_port 6446 agent
  require_free_port 5000 registry
  [ -e /sys/fs/cgroup/cgroup.controllers ] || [ -d /sys/fs/cgroup/memory ] ||
    fail "no cgroup hierarchy at /sys/fs/cgroup; containers cannot be limited here"
  grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null || fail "this kernel has no overlay file system"
}

announce() {
  local missing
  missing=$(debian_missing "${PACKAGES[@]}")
  step "this will, on this machine only:"
  note "install from Debian: ${missing:-nothing, all is there}"
  note "fetch Debian's docker-registry and busybox into /var/cache/gantry/tools (not installed)"
  note "download npm and cargo packages into this checkout and build it"
  note "run a control plane (6443, 6444), an agent (6445, 6446) and a registry (5000), state in $STATE"
  note "undo: npm run quickstart -- --down"
}

start_registry() {
  cat >"$STATE/registry.yml" <<YAML
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $STATE/registry}, delete: {enabled: true}}
http: {addr: $REGISTRY}
YAML
  start registry "$1/docker-registry" serve "$STATE/registry.yml"
  wait_until 20 "the registry on $REGISTRY" "$STATE/registry.log" curl -fs "http://$REGISTRY/v2/"
}

start_control_plane() {
  start control-plane env NODE_COMPILE_CACHE="$STATE/compile-cache" \
    node "$ROOT/apps/control-plane/dist/bundle/gantry-control-plane.js" serve --data-dir "$STATE/control-plane" \
    --store "embedded:$STATE/control-plane/store.db" --advertise-address 127.0.0.1
  wait_until 30 "the API on https://127.0.0.1:6443" "$STATE/control-plane.log" \
    curl -fsk https://127.0.0.1:6443/readyz
}

# A joined agent has a certificate and needs no token again.
start_agent() {
  local join=()
  if ! alive agent && [ ! -d "$STATE/agent/pki" ]; then
    read -r -a join <<<"$(gantry token create --uses 1 --ttl 10m -o flags)"
  fi
  start agent "$ROOT/apps/node-agent/bin/gantry-agent" --data-dir "$STATE/agent" --run-dir "$RUN/agent" \
    --native-dir "$NATIVE" --node-name "$(hostname)" --node-ip 127.0.0.1 --server 127.0.0.1:6444 "${join[@]}"
  wait_until 30 "the node to be ready" "$STATE/agent.log" \
    bash -c "node '$ROOT/apps/cli/dist/gantry.cjs' get nodes | grep -w Ready"
}

deploy_example() {
  step "building a sample web image and pushing it to $REGISTRY"
  note "$(node "$ROOT/deploy/sample-image.mjs" "$1/busybox" "$REGISTRY" hello-web:1.0)"
  step "gantry apply -f deploy/examples/hello.yaml"
  gantry apply -f "$ROOT/deploy/examples/hello.yaml"
  step "gantry rollout status deployment/web -n hello"
  gantry rollout status deployment/web -n hello --timeout 120s
  gantry get pods -n hello -o wide
}

show_page() {
  local address
  address=$(gantry get pods -n hello -l app=web -o json | node -e \
    'let t="";process.stdin.on("data",d=>t+=d).on("end",()=>console.log(JSON.parse(t).items[0].status.podIP))')
  step "curl http://$address:8080/"
  curl -fsS --max-time 5 "http://$address:8080/" | sed 's/^/    /'
}

next() {
  cat <<TEXT

${green}It runs.${plain} Your turn:
  export KUBECONFIG=$KUBECONFIG PATH=$ROOT/apps/cli/bin:\$PATH
  gantry get pods -A -o wide
  gantry logs -n hello deployment/web
  gantry scale -n hello deployment/web --replicas 6
  gantry top node
  kubectl get deployments -A             # the real kubectl works too
Remove everything again: npm run quickstart -- --down
TEXT
}

up() {
  preflight
  announce
  local tools
  install_debian "${PACKAGES[@]}"
  tools=$("$ROOT/deploy/tools.sh" docker-registry busybox)
  install_node_modules
  build_native
  build_typescript
  install -d -m 0700 "$STATE" "$RUN"
  step "starting registry, control plane and agent"
  start_registry "$tools"
  start_control_plane
  start_agent
  deploy_example "$tools"
  show_page
  next
}

case ${1:-} in
  '') up ;;
  --down)
    PATH=$ROOT/node_modules/.bin:$PATH
    down
    ;;
  --help | -h) usage ;;
  *) usage >&2; fail "unknown option $1" ;;
esac
