#!/bin/sh
# /init of a QEMU machine: load the modules that the archive brings, mount the host's root file system (9p, read-only)
# under a tmpfs overlay, and go on with late.sh there. rig.shared=DIR is mounted read-write at its own path.
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
for module in $(cat /modules/load); do
    insmod "/modules/$module"
done
for word in $(cat /proc/cmdline); do
    case $word in
        rig.shared=*) shared=${word#*=} ;;
        rig.late=*) late=${word#*=} ;;
        rig.kernel=*) kernel=${word#*=} ;;
    esac
done
nine=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o $nine,cache=loose,ro root /lower &&
    mount -t tmpfs -o size=90% tmpfs /run && mkdir /run/upper /run/work &&
    mount -t overlay -o lowerdir=/lower,upperdir=/run/upper,workdir=/run/work overlay /root || {
    echo "rig: no overlay root"
    poweroff -f
}
mkdir -p /root/lib/modules
ln -sfn "$kernel" "/root/lib/modules/$(uname -r)"
if [ -n "$shared" ]; then
    mkdir -p "/root$shared" && mount -t 9p -o $nine,cache=none shared "/root$shared"
fi
exec switch_root /root /bin/sh "$late"
