# Sourced by the scripts beside it: what the two layers of a built image hold, written below a root directory.

populate() {
  mkdir -p "$1/bin" "$1/srv/private" "$1/srv/old"
  cp "$busybox" "$1/bin/busybox"
  for name in sh cat sleep; do ln -s busybox "$1/bin/$name"; done
  echo kept >"$1/srv/kept"
  echo gone >"$1/srv/gone"
  echo old >"$1/srv/old/file"
  ln "$1/srv/kept" "$1/srv/hard"
  ln -s ../nowhere "$1/srv/dangling"
  chown 1000:2000 "$1/srv/private"
  chmod 2750 "$1/srv/private"
}

# A file goes, a directory is replaced, a file becomes setuid, another has a hole.
change() {
  rm "$1/srv/gone"
  rm -r "$1/srv/old"
  mkdir "$1/srv/old"
  echo new >"$1/srv/old/new"
  cp "$1/srv/kept" "$1/srv/setuid"
  chmod 4711 "$1/srv/setuid"
  truncate -s 1M "$1/srv/sparse"
}
