#!/usr/bin/env bash
# Installs Gantry on this host as systemd services, from a checkout.
source "$(dirname "$0")/lib.sh"
PREFIX=/usr/lib/gantry
usage() { cat <<TEXT
Usage, as root, from a checkout on which npm run build has run:
  deploy/install.sh control-plane [--advertise-address IP] [--store embedded|etcd:URL,…] [--pki DIR] [FLAG…]
  deploy/install.sh agent --server HOST:6444 --ca-hash sha256:… --token … [--node-name NAME] [FLAG…]
  deploy/install.sh cli
  deploy/install.sh uninstall [--keep-data]

control-plane   starts the control plane; with --pki DIR it shares the certificates of another one
                (a copy of its /var/lib/gantry/control-plane/pki), for two control planes on one etcd
agent           joins this host to a cluster; \`gantry token create\` prints the line to type
cli             only the \`gantry\` command
uninstall       stops the services and every container, and removes all of it; --keep-data leaves
                /var/lib/gantry
Further flags are handed to the program: see gantry-control-plane --help, gantry-agent --help.
TEXT
}

require_systemd() {
  [ -d /run/systemd/system ] || fail "systemd does not run here, so no service can be installed. npm run quickstart works without it"
}

install_programs() {
  step "copying programs to $PREFIX"
  local node=node
  [ -x "$ROOT/node_modules/.bin/node" ] && node=$ROOT/node_modules/.bin/node
  [ "$ROOT" = "$PREFIX" ] || "$node" "$ROOT/deploy/stage.mjs" "$PREFIX"
  ln -sf "$PREFIX/bin/gantry" /usr/local/bin/gantry
  ln -sf "$PREFIX/bin/gantry-control-plane" "$PREFIX/bin/gantry-agent" /usr/local/sbin/
}

# enable_unit NAME FLAGS…: writes what the unit is started with and starts it.
enable_unit() {
  local unit=$1
  shift
  install -d -m 0755 /etc/gantry
  (umask 077 && printf 'FLAGS=%s\n' "$*" >"/etc/gantry/${unit#gantry-}.conf")
  install -m 0644 "$ROOT/deploy/systemd/$unit.service" "/etc/systemd/system/$unit.service"
  systemctl daemon-reload
  systemctl enable --quiet "$unit"
  systemctl restart "$unit"
}

# wait_for SECONDS WHAT COMMAND…: says what it waits for; shows the journal when it was in vain.
wait_for() {
  local seconds=$1 what=$2 unit=$3 begin=$SECONDS
  shift 3
  step "waiting for $what"
  until "$@" >/dev/null 2>&1; do
    if [ $((SECONDS - begin)) -ge "$seconds" ]; then
      journalctl -u "$unit" -n 20 --no-pager >&2 || true
      fail "$what did not happen within $seconds s; the journal of $unit is above"
    fi
    sleep 0.2
  done
}

install_control_plane() {
  require_systemd
  local address='' store=embedded pki='' flags=()
  while [ $# -gt 0 ]; do
    case $1 in
      --advertise-address) address=${2:?--advertise-address needs an IP}; shift 2 ;;
      --store) store=${2:?--store needs embedded or etcd:URL}; shift 2 ;;
      --pki) pki=${2:?--pki needs a folder}; shift 2 ;;
      *) flags+=("$1"); shift ;;
    esac
  done
  address=${address:-$(hostname -I | cut -d' ' -f1)}
  [ -n "$address" ] || fail "this host has no address; name one with --advertise-address"
  local data=/var/lib/gantry/control-plane
  [ "$store" = embedded ] && store=embedded:$data/store.db
  id gantry >/dev/null 2>&1 || useradd --system --home-dir "$data" --shell /usr/sbin/nologin gantry
  install -d -m 0755 /var/lib/gantry
  install -d -m 0700 -o gantry -g gantry "$data"
  if [ -n "$pki" ]; then cp -rT "$pki" "$data/pki" && chown -R gantry:gantry "$data/pki"; fi
  install_programs
  enable_unit gantry-control-plane --data-dir "$data" --store "$store" --advertise-address "$address" "${flags[@]}"
  wait_for 60 "the API on https://$address:6443" gantry-control-plane curl -fsk "https://$address:6443/readyz"
  ln -sfn "$data/admin.kubeconfig" /var/lib/gantry/admin.kubeconfig
  printf '%sThe control plane runs.%s Next:\n' "$green" "$plain"
  printf '  gantry get nodes\n  gantry token create      # prints the line that joins a host\n'
}

install_agent() {
  require_systemd
  local flags=() token='' server='' conf=/etc/gantry/agent.conf secret=/etc/gantry/join-token
  while [ $# -gt 0 ]; do
    case $1 in
      --token) token=${2:?--token needs a token}; shift 2 ;;
      --server) server=${2:?--server needs HOST:6444}; shift 2 ;;
      *) flags+=("$1"); shift ;;
    esac
  done
  [ -n "$server" ] || fail "agent needs --server HOST:6444; \`gantry token create\` prints the whole line"
  install_programs
  install -d -m 0755 /etc/gantry
  # A token on a command line could be read by every user of this host.
  if [ -n "$token" ]; then (umask 077 && printf '%s\n' "$token" >"$secret") && flags+=(--token-file "$secret"); fi
  enable_unit gantry-agent --data-dir /var/lib/gantry --native-dir "$PREFIX/bin" --server "$server" "${flags[@]}"
  wait_for 60 "the agent to join and be ready" gantry-agent curl -fs http://127.0.0.1:6445/readyz
  # The token has done its work: from now on the node has its own certificate.
  sed -i "s| --token-file $secret||" "$conf"
  rm -f "$secret"
  printf '%sThis host has joined.%s On a host with the admin kubeconfig: gantry get nodes\n' "$green" "$plain"
}

uninstall() {
  local unit
  for unit in gantry-agent gantry-control-plane; do
    systemctl disable --quiet --now "$unit" 2>/dev/null || true
  done
  if [ -x "$PREFIX/bin/gantry-agent" ]; then
    step "stopping containers, removing networks and mounts"
    "$PREFIX/bin/gantry-agent" teardown --data-dir /var/lib/gantry --native-dir "$PREFIX/bin" || fail "teardown failed; nothing more was removed. Fix what it names and run uninstall again"
  fi
  rm -f /etc/systemd/system/gantry-{agent,control-plane}.service /usr/local/bin/gantry /usr/local/sbin/gantry-{agent,control-plane}
  systemctl daemon-reload 2>/dev/null || true
  rm -rf "$PREFIX" /etc/gantry /run/gantry
  if [ "${1:-}" = --keep-data ]; then note "kept /var/lib/gantry"
  else find /var/lib/gantry -mindepth 1 -delete 2>/dev/null || true; rmdir /var/lib/gantry 2>/dev/null || true; fi
  id gantry >/dev/null 2>&1 && userdel gantry
  printf 'Gantry is removed.\n'
}

command=${1:-help}
[ $# -gt 0 ] && shift
case $command in
  help | --help | -h) usage; exit 0 ;;
  control-plane | agent | cli | uninstall) require_root "deploy/install.sh $command" "deploy/install.sh $command" ;;
  *) fail "unknown command $command: one of control-plane, agent, cli, uninstall (deploy/install.sh --help)" ;;
esac
case $command in
  control-plane) install_control_plane "$@" ;;
  agent) install_agent "$@" ;;
  cli) install_programs ;;
  uninstall) uninstall "$@" ;;
esac
