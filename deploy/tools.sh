#!/bin/bash
# Fetches the third-party programs that tests and the quickstart need, without installing anything:
# etcd and kubectl from a newer Debian suite, docker-registry and a static busybox (what sample images
# are made of) from the machine's own. `tools.sh [PROGRAM…]`: only those named. They are
# unpacked into $GANTRY_TOOLS (default /var/cache/gantry/tools) by an apt configuration of our own,
# so the machine's package lists and database stay as they are. Prints the directory to put on PATH;
# progress and errors go to stderr. Fast when everything is there already.
set -euo pipefail

readonly tools_dir=${GANTRY_TOOLS:-/var/cache/gantry/tools}
readonly bin_dir=$tools_dir/bin
readonly newer_suites=(trixie forky)
readonly keyring=/usr/share/keyrings/debian-archive-keyring.gpg
readonly default_mirror=http://deb.debian.org/debian/
readonly wanted_programs='etcd, etcdctl, kubectl, docker-registry and busybox'

# program | package | version wanted | suite (own: the machine's) | argument that prints the version
readonly wanted="
etcd|etcd-server|3.5.|newer|--version
etcdctl|etcd-client|3.5.|newer|version
kubectl|kubectl|1.32.3|newer|version --client
docker-registry|docker-registry|2.8|own|--version
busybox|busybox-static|1.|own|--help
"
readonly asked=" $* "

# The rows of the table that were asked for: all of them unless programs were named.
asked_for() { [[ -n $1 && ($asked == '  ' || $asked == *" $1 "*) ]]; }

say() { printf 'tools: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# Whether PROGRAM runs here and says that it is VERSION.
runs() {
  local program=$1 version=$2 arguments=$3 output
  # shellcheck disable=SC2086 — the arguments are words of our own table
  output=$("$bin_dir/$program" $arguments 2>&1) && [[ $output == *"$version"* ]]
}

all_present() {
  local program package version suite arguments
  while IFS='|' read -r program package version suite arguments; do
    ! asked_for "$program" || runs "$program" "$version" "$arguments" || return 1
  done <<<"$wanted"
}

need_commands() {
  local command
  for command in apt-get apt-cache apt-config dpkg dpkg-deb flock; do
    command -v "$command" >/dev/null ||
      fail "needs $command, as on Debian; elsewhere put $wanted_programs into $bin_dir"
  done
  [[ -r $keyring ]] || fail "$keyring is missing; install the package debian-archive-keyring"
}

# The base of the Debian archive that the machine itself uses; a dated snapshot counts as one.
machine_mirror() {
  local found
  found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    grep -E '/debian/?$|/archive/debian/[0-9TZ]+/?$' | head -n 1 || true)
  printf '%s' "${found:-$default_mirror}"
}

own_suite() {
  # shellcheck disable=SC1091
  (. /etc/os-release && printf '%s' "${VERSION_CODENAME:-bookworm}")
}

# Everything apt reads and writes lies below WORK; how it reaches the mirror (proxies, checks of
# dates) is taken from the machine.
write_apt_configuration() {
  local work=$1 mirror=$2 suite
  mkdir -p "$work"/{etc,lists/partial,archives/partial,parts}
  : >"$work/status"
  {
    apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries|ForceIPv)' || true
    [[ $mirror != */archive/* ]] || echo 'Acquire::Check-Valid-Until "false";'
    cat <<CONF
Dir::Etc "$work/etc";
Dir::Etc::parts "$work/parts";
Dir::State "$work";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work";
Acquire::Languages "none";
APT::Sandbox::User "root";
CONF
  } >"$work/apt.conf"
  for suite in "$(own_suite)" "${newer_suites[@]}"; do
    echo "deb [signed-by=$keyring] $mirror $suite main"
  done | sort -u >"$work/etc/sources.list"
}

# A suite that the mirror lacks is only a fault when a program is then missing.
refresh_lists() {
  local work=$1
  APT_CONFIG=$work/apt.conf apt-get -q update >"$work/update.log" 2>&1 ||
    say "some package lists could not be read: $(grep -E '^(E|W|Err)' "$work/update.log" | head -n 3)"
}

# The newest version in the mirror that starts with PREFIX, taken from the first suite that has it.
find_version() {
  local work=$1 package=$2 prefix=$3 suite=$4 candidate
  local suites=("$(own_suite)" "${newer_suites[@]}")
  [[ $suite == own ]] || suites=("${newer_suites[@]}" "$(own_suite)")
  for suite in "${suites[@]}"; do
    candidate=$(APT_CONFIG=$work/apt.conf apt-cache madison "$package" |
      awk -F ' *[|] *' -v p="$prefix" -v s=" $suite/" \
        '{ plain = $2; sub(/^[0-9]+:/, "", plain) } # without the epoch
         index(plain, p) == 1 && index($3, s) { print $2; exit }')
    [[ -z $candidate ]] || { printf '%s' "$candidate"; return 0; }
  done
  return 1
}

fetch() {
  local work=$1 program=$2 package=$3 prefix=$4 suite=$5 version deb
  version=$(find_version "$work" "$package" "$prefix" "$suite") ||
    fail "the mirror offers no $package $prefix* in any of: $(own_suite) ${newer_suites[*]};" \
      "set GANTRY_TOOLS to a directory whose bin/ holds $wanted_programs"
  say "fetching $package $version"
  (cd "$work/archives" &&
    APT_CONFIG=$work/apt.conf apt-get -q download "$package=$version" >"$work/fetch.log" 2>&1) ||
    fail "cannot download $package $version: $(tail -n 2 "$work/fetch.log")"
  deb=$(find "$work/archives" -maxdepth 1 -name "${package}_*.deb" -print -quit)
  dpkg -x "$deb" "$work/unpacked"
  # Renamed into place, so that a program somebody runs at this moment is never half written.
  install -m 0755 "$work/unpacked/$(cd "$work/unpacked" && find . -path "*bin/$program" -type f)" \
    "$bin_dir/.$program.new"
  mv -f "$bin_dir/.$program.new" "$bin_dir/$program"
}

fetch_missing() {
  local work=$1 program package version suite arguments
  write_apt_configuration "$work" "$(machine_mirror)"
  say "reading package lists of $(own_suite) ${newer_suites[*]}"
  refresh_lists "$work"
  while IFS='|' read -r program package version suite arguments; do
    asked_for "$program" || continue
    runs "$program" "$version" "$arguments" && continue
    fetch "$work" "$program" "$package" "$version" "$suite"
    runs "$program" "$version" "$arguments" ||
      fail "$program $version does not run here: $("$bin_dir/$program" $arguments 2>&1 | head -n 2)"
  done <<<"$wanted"
}

main() {
  if ! all_present; then
    need_commands
    mkdir -p "$bin_dir" 2>/dev/null ||
      fail "cannot write $tools_dir: run as root, or set GANTRY_TOOLS to a directory of yours"
    # Two that start at once would otherwise fetch the same files over each other.
    exec 9>"$tools_dir/.lock"
    flock 9
    work=$(mktemp -d "$tools_dir/.fetch.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    all_present || fetch_missing "$work"
  fi
  printf '%s\n' "$bin_dir"
}

main "$@"
