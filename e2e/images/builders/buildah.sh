# buildah.sh TARGET DIRECTORY BUSYBOX: builds an image of two layers from nothing and pushes it.
set -eu
target=$1 busybox=$3
. "$(dirname "$0")/populate.sh"
container=$(buildah from scratch)
populate "$(buildah mount "$container")"
buildah commit -q "$container" localhost/base
container=$(buildah from localhost/base)
change "$(buildah mount "$container")"
buildah config --env PATH=/bin --cmd '["sh", "-c", "cat /srv/kept /srv/old/new; exec sleep 1000"]' "$container"
buildah commit -q "$container" localhost/app
buildah push -q --tls-verify=false localhost/app "docker://$target"
buildah rm -a >/dev/null
