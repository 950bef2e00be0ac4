#!/bin/sh
# Runs in the final root of either kind of machine: kernel file systems, loopback network, drivers, then the agent.
# Kernel command line: rig.python=, rig.agent=, rig.channel= (a device, or virtio:NAME), rig.modules=a,b,c
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb
# The static busybox starts faster than the system's own programs, most of all in software emulation.
mount() { busybox mount "$@"; }
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
busybox mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
for word in $(busybox cat /proc/cmdline); do
    case $word in
        rig.python=*) python=${word#*=} ;;
        rig.agent=*) agent=${word#*=} ;;
        rig.channel=*) channel=${word#*=} ;;
        rig.modules=*) modules=$(echo "${word#*=}" | busybox tr , ' ') ;;
    esac
done
[ -z "$modules" ] || modprobe -a $modules
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
mount -t configfs configfs /sys/kernel/config 2>/dev/null
busybox ip link set lo up
case $channel in
    virtio:*)
        for port in /sys/class/virtio-ports/*; do
            [ "$(busybox cat "$port/name")" = "${channel#*:}" ] && channel=/dev/${port##*/}
        done
        ;;
esac
cd /
exec "$python" -I -S "$agent" "$channel"
