sleep 1000 & s=$!
t ps -o comm,pid -p $s | sed "s/ *$s$/ S/;s/ *PID/ PID/"
t ps -o args= -p $s
t ps -o user,uid,euser,group,ni,cls,rtprio,nlwp -p $s
t ps -C sleep -o comm=
t ps -o comm= -p 99999
t ps -e -o comm= | head -n 1
t sh -c 'ps aux | head -n 1 | tr -s " "'
t sh -c 'ps -ef | grep -c "[s]leep 1000"'
t sh -c 'ps axf -o comm | grep -c sleep'
t ps -L -p $s -o comm,lwp | sed "s/ *$s$/ S/;s/ *LWP/ LWP/"
t ps x -o comm= | sort | uniq -c | grep sleep
t ps -o etimes= -p $s | grep -c '[0-9]'
t ps -o vsz=,rss= -p $s | grep -c '[1-9]'
t ps -o pid= -q $s | grep -c .
t ps l -p $s | head -n 1
t ps -o blocked,caught,pending -p $s
t ps -o lstart= -p $s | wc -w
t ps -o label= -p $s
t ps --sort=-pid -e -o comm= | tail -n 1
t ps -o bad
t pgrep -x sleep | grep -c .
t pgrep -f 'sleep 1000' | head -n 1 | grep -cx $s
t pgrep nothing
t pidof sleep | grep -cw $s
t pgrep -P $$ sleep | wc -l
t pgrep -c sleep
t pgrep -n sleep | grep -cx $s
t pgrep -u root -l sleep | sed "s/$s/S/"
t pwdx $s | sed "s/$s/S/;s,$PWD,HERE,"
t sh -c "pmap $s | tail -n 1 | sed 's/ *[0-9]*K/ K/'"
t sh -c "pmap $s | grep -c stack"
t free | awk '{ print $1 }'
t sh -c 'free -h | head -n 1'
t uptime | sed 's/.*load/load/;s/[0-9.]\{2,\}/N/g'
t vmstat | head -n 2
t w -h
t sh -c "top -b -n 1 | sed -n '7p' | tr -s ' '"
t sh -c 'top -b -n 1 | grep -c "sleep$"'
t sysctl -n kernel.ostype
t sysctl kernel.pid_max | cut -d= -f1
t sysctl -n kernel.nothing
t kill -l 9
t kill -L | head -n 1
t kill -STOP $s
t sh -c "while ! ps -o stat= -p $s | grep -q T; do sleep 0.01; done; echo stopped"
t kill -CONT $s
t renice -n 3 -p $s | sed "s/$s/S/"
t ps -o ni= -p $s
t nice -n 4 ps -o ni= -p $$
t taskset -p $s | sed 's/pid.*mask/mask/;s/: .*//'
t chrt -p $s | sed "s/pid $s/S/"
t ionice -p $s
t ionice -c 3 ionice
t prlimit -p $s -n -o RESOURCE
t prlimit --nofile=50 sh -c 'ulimit -n'
t setsid sh -c 'ps -o pid=,sid= -p $$ | awk "{ print \$1 == \$2 }"'
t setpriv --reuid 65534 --regid 65534 --clear-groups id
t setpriv --no-new-privs grep NoNewPrivs /proc/self/status
t setpriv --bounding-set -all --inh-caps -all grep CapBnd /proc/self/status
t choom -p $s | sed "s/$s/S/;s/: [0-9]*$//"
t choom -n 500 cat /proc/self/oom_score_adj
t setarch --list | head -n 1
t ipcs | wc -l
t pkill -TERM -f 'sleep 1000'; wait $s; echo "status $?"
t pkill nothing
t skill -n nothing
t flock -n lock true
t sh -c 'mkfifo held go; flock lock sh -c "echo >held; read x <go" & read x <held; flock -n lock true; echo $?; (sleep 0.2; echo >go) & flock -w 60 lock echo waited; flock -s lock flock -s -n lock echo shared; flock -s lock flock -n lock echo not; echo $?; flock -E 7 -n lock true; echo $?'
t sh -c 'exec 9>lock; flock 9; flock -u 9; flock -n lock echo free'
t mountpoint /proc
t mountpoint /
t mountpoint /etc
t mountpoint -d /dev/shm | grep -c :
t findmnt -n -o TARGET,FSTYPE /proc
t findmnt -n -o FSTYPE /tmp
t findmnt nothing
t sh -c 'mkdir m; mount -t tmpfs -o size=1M,mode=700 mine m; findmnt -n -o SOURCE,FSTYPE,OPTIONS m | sed s/,inode64//; dd if=/dev/zero of=m/f bs=1k count=2000 status=none; du -k m/f; df -k m | tail -n 1; mount -o remount,ro m; touch m/x; findmnt -n -o OPTIONS m | sed s/,inode64//; umount m; ls m; umount m; echo $?'
t sh -c 'mkdir n o; echo in > n/f; mount --bind n o; cat o/f; mount -o remount,bind,ro o; touch o/g; umount o; mount --rbind /proc o; test -d o/self/fd; echo $?; umount -l o; mount -t bogus x o; mount -t tmpfs x absent; mount | grep -c " /proc "; echo $?'
t unshare -m sh -c 'mount -t tmpfs x /mnt; touch /mnt/f; ls /mnt'
t ls /mnt
t unshare -u sh -c 'hostname inner; hostname'
t hostname | grep -c inner
t lsns -t mnt -n -o NS | head -n 1 | wc -l
t sh -c 'nsenter -t $$ -m echo entered'
t fincore -n -o SIZE lock
t mcookie | wc -c
t namei lock
t whereis -b ls
t which ls sh nothing
t getopt -o ab: -- -a -b x y
t script -qec 'echo in script; tty | cut -c1-9' /dev/null
t script -qec 'stty size; exit 4' /dev/null
t logger -s --no-act hello 2>&1 | sed 's/.*root/root/'
t swapon
t losetup
t rename.ul f g lock
t su -c 'id -u' nobody -s /bin/sh
t runuser -u nobody id
t su nobody -s /bin/sh -c 'kill -0 1; cat /etc/shadow'
t newgrp nothing
t chage -l root | head -n 1
t systemd-escape 'a b'
t systemd-id128 new | wc -c
t systemd-analyze calendar '*-01-01' 2>&1 | head -n 1
t systemd-cat echo x
t dpkg -l bash | tail -n 1 | awk '{ print $1, $2 }'
t dpkg-query -W -f '${Status}\n' coreutils
t apt-get --version | head -n 1 | cut -d' ' -f1
t ldconfig -p | head -n 1 | cut -d' ' -f2-
t ldd /bin/ls | sed 's/ (0x.*//'
