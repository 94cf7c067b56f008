#!/bin/busybox sh
# The first process of the guest. What it says goes to the second serial port; lines with @@ are read
# by guest.ts. The variables come with the kernel's command line.
/bin/busybox --install -s /bin
mount -t devtmpfs devtmpfs /dev
exec >/dev/ttyS1 2>&1 </dev/null
stty raw -F /dev/ttyS1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /tmp
echo "@@ booted $(uname -r)"

for module in /modules/*; do insmod "$module"; done
ip link set lo up
ip link set eth0 up
ip address add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2

cd /bunsen
agent/bunsen-agent &
agent=$!
until wget -q -O /dev/null http://127.0.0.1:4041/healthz 2>/dev/null; do
  kill -0 $agent 2>/dev/null || break
  sleep 1
done
if kill -0 $agent 2>/dev/null; then
  echo "@@ sampling"
  sh work.sh /bin "$SECONDS_TO_BURN"
  kill $agent
fi
wait $agent
echo "@@ agent ended with $?"
sleep 1
poweroff -f
