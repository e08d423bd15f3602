#!/bin/sh
# Become a machine of its own: called inside new mount, process, network, host name, IPC and cgroup namespaces.
# usage: boot.sh DIR TERMINAL; nothing that is written inside reaches the disk outside.
set -eu
work=$1 terminal=$2 root=$1/root

mount --make-rprivate /
mkdir -p "$root" "$work/layers"
mount -t tmpfs tmpfs "$work/layers"
mkdir "$work/layers/upper" "$work/layers/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/layers/upper,workdir=$work/layers/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
# Where an older hierarchy of cgroups is mounted, the empty folder for the new one is made first.
mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir "$root/run/shared"
mount --bind "$work/shared" "$root/run/shared"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
: >"$root/dev/console"
mount --bind "$terminal" "$root/dev/console"
mkdir "$root/dev/shm"
mount -t tmpfs tmpfs "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"

# No unit of the machine outside may start in here.
rm -rf "$root/etc/systemd/system"
mkdir "$root/etc/systemd/system"
cp "$work/shared/machine.target" "$root/etc/systemd/system/"
: >"$root/etc/machine-id"

ip link set lo up 2>/dev/null || true
cd "$root"
mkdir -p .outside
pivot_root . .outside
umount -l /.outside
# What a container manager has to do: systemd hands credentials to services through a shared tree of mounts.
mount --make-rshared /
exec env -i container=other PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=machine.target --log-target=console --log-level=info --show-status=no
