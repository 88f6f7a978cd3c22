# podman.sh TARGET DIRECTORY BUSYBOX: builds an image by a Containerfile whose commands run in it, and pushes it.
set -eu
target=$1 context=$2/context busybox=$3
. "$(dirname "$0")/populate.sh"
mkdir -p "$context/root"
populate "$context/root"
tar -C "$context/root" -cf "$context/root.tar" .
for name in rm mkdir cp chmod truncate; do commands="${commands:-} ln -s busybox /bin/$name &&"; done
cat >"$context/Containerfile" <<FILE
FROM scratch
ADD root.tar /
ENV PATH=/bin
RUN /bin/busybox ln -s busybox /bin/ln && $commands true
RUN rm /srv/gone && rm -r /srv/old && mkdir /srv/old && echo new >/srv/old/new
RUN cp /srv/kept /srv/setuid && chmod 4711 /srv/setuid && truncate -s 1M /srv/sparse
CMD ["sh", "-c", "cat /srv/kept /srv/old/new; exec sleep 1000"]
FILE
podman build -q --isolation chroot --network host --layers -t localhost/built "$context"
podman push -q --tls-verify=false localhost/built "docker://$target"
