# umoci.sh TARGET DIRECTORY BUSYBOX: makes an OCI layout of two layers with umoci; skopeo pushes it.
set -eu
target=$1 image=$2/made:app bundle=$2/made-bundle busybox=$3
. "$(dirname "$0")/populate.sh"
umoci init --layout "$2/made"
umoci new --image "$image"
umoci unpack --image "$image" "$bundle"
populate "$bundle/rootfs"
umoci repack --refresh-bundle --image "$image" "$bundle"
change "$bundle/rootfs"
umoci repack --image "$image" "$bundle"
umoci config --image "$image" --config.env PATH=/bin \
  --config.cmd sh --config.cmd -c --config.cmd 'cat /srv/kept /srv/old/new; exec sleep 1000'
skopeo --insecure-policy copy -q --dest-tls-verify=false "oci:$image" "docker://$target"
