#!/bin/bash
# First program of a UML machine: the host's root file system (hostfs, read-only) under a tmpfs overlay.
# Called by the kernel on hostfs; rig.shared=DIR is mounted read-write at its own path.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
busybox mount -t proc proc /proc
for word in $(</proc/cmdline); do
    case $word in rig.shared=*) shared=${word#*=} ;; rig.late=*) late=${word#*=} ;; esac
done
root=/mnt/root
busybox mount -t tmpfs -o size=90% tmpfs /mnt && busybox mkdir /mnt/upper /mnt/work $root &&
    busybox mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay $root || {
    echo "rig: no overlay root" >/dev/console
    exec busybox poweroff -f
}
if [ -n "$shared" ]; then
    busybox mkdir -p "$root$shared" && busybox mount -t hostfs -o "$shared" hostfs "$root$shared"
fi
# In UML a page fault costs 200 us: memory that was freed stays with its process.
export MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=2147483647 MALLOC_TOP_PAD_=67108864
exec busybox chroot $root /bin/sh "$late"
