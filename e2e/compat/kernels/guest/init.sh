#!/bin/busybox sh
# First process of the guest: mounts what Linux offers as files, loads the modules, runs the checks, powers off.
bb=/bin/busybox
$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
$bb mount -t devtmpfs dev /dev
$bb mount -t tmpfs tmp /tmp
$bb mount -t bpf bpf /sys/fs/bpf
while read -r module; do
	$bb insmod "/modules/$module" || echo "# $module can't be loaded"
done </modules/order
export PATH=/usr/sbin:/usr/bin HOME=/tmp
cd /sallyport || $bb poweroff -f
# The console turns line feeds into two characters otherwise.
$bb stty -onlcr <>/dev/console
/usr/bin/node e2e/compat/kernels/guest/main.ts "$@"
echo "# guest: exit code $?"
$bb poweroff -f
