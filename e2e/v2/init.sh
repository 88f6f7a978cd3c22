#!/bin/sh
# PID 1 of a User Mode Linux guest on this machine's own files (hostfs, writable), with a real unified
# cgroup v2. Runs GUEST_SCRIPT, writes its exit code to GUEST_RESULT and powers off.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t tmpfs run /run
mount -t cgroup2 cgroup /sys/fs/cgroup -o nsdelegate
mkdir -p /run/tmp /run/modules/lib && export TMPDIR=/run/tmp
ln -s /usr/lib/uml/modules /run/modules/lib/modules
printf '#!/bin/sh\nexec /sbin/modprobe -d /run/modules "$@"\n' > /run/modprobe
chmod +x /run/modprobe && echo /run/modprobe > /proc/sys/kernel/modprobe
ip link set lo up
echo "+cpu +memory +pids +io" > /sys/fs/cgroup/cgroup.subtree_control
sh "$GUEST_SCRIPT" > "$GUEST_RESULT.out" 2>&1 </dev/null
echo $? > "$GUEST_RESULT.code"
sync
echo o > /proc/sysrq-trigger
sleep 5
