printf 'one\ntwo\nthree\n' > f; seq 1 1000 > n; mkdir -p d/e/g; ln -s ../f d/l; ln f d/h; mkfifo d/p; touch -d @86400 f n; touch -d '2001-02-03 04:05:06.789' d/e/g/x
t ls -l --time-style=+%s f n
t ls -la d | awk 'NR > 1 { print $1, $2, $3, $4, $5, $9 }'
t ls -1F d
t ls -lR --time-style=+ d
t ls -d /nothing
t ls -1U d/e
t ls -1S f n
t ls --color=always -1 d
t ls -l /dev/null /dev/zero --time-style=+
t dir d
t vdir --time-style=+ d/h
t cp -a d c
t cp f f
t cp f nowhere/x
t cp -r d/e d/e
t cp --sparse=always n s
t cp -l f hard
t cp -s $PWD/f soft
t cp -u f n
t cp -n n f
t cp --preserve=all -d d/l l2
t readlink l2
t cp --parents d/e/g/x c
t cp -b f hard2
t cp -b f hard2
t ls -1 .
t cp --reflink=always f clone
t cp --attributes-only n attr
t stat -c %s attr
t cp -rL d/l deref
t stat -c '%F %s' deref
t mv c m
t mv m/h m/h2
t mv -n f n
t mv nothing x
t mv m m/e
t mv -T m mm
t mv -t mm attr
t find mm | sort
t mv mm/e /dev/shm/e
t ls /dev/shm
t mv /dev/shm/e .
t ls -1R e
t ln f f
t ln -s f d/l
t ln -sf nothing d/dangling
t ln -sr f d/e/rel
t readlink d/e/rel
t ln d/e dirlink
t ln -P d/l lp
t stat -c '%F %h' lp
t link f linked
t unlink linked
t unlink d
t stat -c '%n %F %s %a %u %g %h %t %T %y' f
t stat -c '%n %F %s %a %u %g %h %t %T' d/p d/l /dev/null
t stat -f -c '%T %S %l' /tmp
t stat -L -c %F d/dangling
t stat -c '%A %U %G' d
t du -s --apparent-size -b f
t du -ab --apparent-size f n
t du -k n
t du -s --inodes d
t df --output=fstype,target /tmp /dev/shm /proc
t df -i --output=fstype /tmp
t df /nothing
t dd if=n of=o bs=100 count=5 skip=1 status=none
t md5sum o
t dd if=/dev/zero of=o bs=1k seek=1000 count=1 conv=notrunc status=none
t stat -c %s o
t dd if=n of=/dev/null bs=7 2>&1 | head -n 2
t dd if=n bs=10 count=1 conv=ucase status=none
t dd if=f of=f2 oflag=append conv=notrunc status=none
t dd if=f of=f2 oflag=append conv=notrunc,fsync status=none
t cat f2
t dd if=/dev/full of=/dev/null bs=1 count=1 status=none
t dd if=f of=/dev/full status=none
t dd if=nothing
t dd if=n of=sp bs=4k conv=sparse status=none
t dd if=f ibs=1 skip=4 count=3 iflag=skip_bytes status=none
t sort -n n | tail -n 1
t sort -R --random-source=n n | md5sum
t sort -u -k1,1 f
t sort -c n
t sort -m f f
t sort -S 64k -n --parallel=2 n | md5sum
t sort -o f3 f
t cat f3
t sort -h <(printf '1K\n2\n1M\n')
t sort -V <(printf 'a10\na9\n')
t sort -z f | tr '\0' Z
t bash -c 'seq 3 | tee a b | tac'
t cat a b
t bash -c 'seq 100000 | tee /dev/full > /dev/null'
t tee -a a < f
t cat a
t timeout 0.2 sleep 100
t timeout -s KILL 0.2 sleep 100
t timeout -k 0.5 3 bash -c 'trap "" TERM; while :; do :; done'
t timeout 60 false
t timeout --preserve-status 0.2 sleep 100
t timeout 60 nothing
t timeout 60 /etc
t env -i A=1 B=2 env
t env -u HOME bash -c 'echo ${HOME-unset}'
t env -C / pwd
t env nothing
t env -S 'echo a b'
t env --ignore-signal=TERM bash -c 'kill -TERM $$; echo alive'
t env - printenv
t printenv HOME
t env --block-signal=USR1 --list-signal-handling true
t nohup echo hi
t nohup nothing
t bash -c 'nohup bash -c "kill -HUP \$\$; echo alive"'
t nice -n 5 nice
t nice -n 19 nice -n 5 nice
t nice
t stdbuf -oL echo line
t split -n 3 n sp.
t wc -c sp.aa sp.ab sp.ac
t split -d -a 3 -l 400 n sq.
t wc -l sq.*
t split --filter='wc -c' -b 2000 n
t csplit -s n 10 20
t wc -l xx00 xx01 xx02
t shuf --random-source=n -i 1-20 -n 5
t shuf --random-source=n f
t shuf -e --random-source=n a b c d
t shuf -n 0 f
t factor 1234567890123 97
t seq -w 8 11
t seq 1 0.5 3
t seq -s: 3
t timeout 60 bash -c 'echo start > log; tail -f log --pid=$$ > seen & while ! grep -q start seen; do sleep 0.05; done; echo more >> log; while ! grep -q more seen; do sleep 0.05; done; cat seen; kill %1'
t timeout 60 bash -c 'echo a > log; tail -n 1 -F log > seen 2>/dev/null & while ! grep -q a seen; do sleep 0.05; done; mv log log.1; echo b > log; while ! grep -q b seen; do sleep 0.05; done; cat seen; kill %1'
t tail -c 5 n
t tail -n +999 n
t tail -q -n 1 f n
t head -n -998 n
t head -c 3 f n
t tac n | head -n 2
t tail -c 3 /dev/null
t bash -c 'head -n 1 >/dev/null; cat' < f
t truncate -s 1M big
t stat -c '%s %b' big
t truncate -s -1K big
t truncate -s %100 big
t stat -c %s big
t truncate -s +1 nothing2
t truncate -r f big
t stat -c %s big
t truncate -s 1 d
t truncate -s 99E big
t fallocate -l 100K fa
t stat -c '%s %b' fa
t fallocate -p -o 0 -l 50K fa
t stat -c '%s %b' fa
t fallocate -n -l 200K fa
t stat -c %s fa
t fallocate -c -o 0 -l 4096 fa
t install -m 755 f prog
t stat -c %a prog
t install -d -m 700 i/j/k
t stat -c %a i/j/k i/j
t install -D f i/new/f
t install -o 1 -g 2 f owned
t stat -c '%u %g' owned
t install -C f prog
t install -b f prog
t install f nowhere/
t bash -c 'x=$(mktemp); test -f $x; echo $?; stat -c "%a %s" $x; x=$(mktemp -d); stat -c %a $x; mktemp -u /tmp/XXX | wc -c; mktemp -p . abXXXXXX.txt | wc -c; mktemp X'
t chown 5:6 o
t stat -c '%u %g' o
t chown --from=5 7 o
t chown --from=5 8 o
t stat -c %u o
t chown -R 3:3 d
t stat -c %u d d/h d/e
t chown -h 9 d/l
t stat -c %u d/l f
t chown nobody o
t chgrp tty o
t stat -c '%U %G' o
t chown nosuch o
t chown --reference=f o
t chown -R 0:0 d
t chmod u=rwx,g=rx,o= o
t stat -c %a o
t chmod +t,g+s o
t stat -c %A o
t chmod -R a-w d
t find d ! -type l -printf '%m %p\n' | sort
t chmod --reference=f o
t chmod 4755 o
t chown 1 o
t stat -c %a o
t chmod x o
t chmod 7 nothing
t chmod -R u+w d
t bash -c 'umask 077; touch um; mkdir umd; stat -c %a um umd; umask -S'
t readlink -f d/e/../l
t readlink -e d/dangling
t readlink -m a/b/../c | sed "s,$PWD,HERE,"
t realpath --relative-to=d f
t realpath -e nothing
t realpath -s d/l | sed "s,$PWD,HERE,"
t readlink f
t realpath / /tmp/../etc/
t bash -c 'ln -s loop1 loop2; ln -s loop2 loop1; cat loop1; readlink -f loop1'
t sha256sum n
t sha1sum n
t sha512sum f
t b2sum f
t cksum f n
t sum f
t bash -c 'sha256sum f n > sums; sha256sum -c sums; echo x >> f; sha256sum -c sums'
t md5sum nothing
t cksum -a sm3 f
t base64 f
t bash -c 'base64 n | base64 -d | cmp - n'
t base32 f
t basenc --base16 f
t cat -A f
t cat -n f nothing
t cat d
t tr -d o < f
t tr -s e < f
t cut -d, -f2 <<< a,b,c
t cut -c1-2 f
t paste -s -d, f
t paste f n | head -n 4
t join <(sort f) <(sort f)
t comm -12 <(seq 3) <(seq 2 4)
t uniq -c <(printf 'a\na\nb\n')
t uniq -d <(printf 'a\na\nb\n')
t fold -w 2 f
t fmt -w 10 f
t expand <(printf 'a\tb\n')
t unexpand -a <(printf '        b\n')
t pr -t -2 f
t nl -ba f
t od -An -tx1 f
t od -c -N 8 n
t wc f n
t wc -L f
t tsort <(echo a b b c)
t ptx f
t numfmt --to=iec 123456
t expr 7 % 4
t expr abc : 'a\(.*\)'
t test -e f -a -d d
t test f -nt n
t test -p d/p
t test -L d/l
t test -S d/p
t test -k o
t test -u o
t test f -ef d/h
t '[' 3 -lt 4 ']'
t test -r nothing
t test -t 0
t true --version >/dev/null
t false
t date -d @0
t date -u -d '2024-02-29 12:00 +1 year' +%F
t date -r n +%s
t date -d nonsense
t sleep 0.01
t sleep x
t yes | head -n 2
t id
t id nobody
t id -Gn
t whoami
t groups
t logname
t tty
t uname -sm
t hostid | wc -c
t arch
t pinky -s
t who
t users
t rm nothing
t rm d
t rm -rf d/e
t rm -v f3
t rm -r /
t rm -d i
t rmdir i
t rmdir -p q/w/e
t bash -c 'mkdir -p q/w/e; rmdir -p q/w/e; ls q'
t mkdir d
t mkdir -m 1777 sticky
t stat -c %A sticky
t mkdir -p a/b
t mkdir nowhere/x
t mkfifo -m 600 ff
t stat -c %a ff
t mknod nul c 1 3
t bash -c 'echo x > nul; cat nul'
t mknod pp p
t mknod blk b 7 0
t stat -c '%F %t %T' blk
t shred -u -n 1 hard2
t ls hard2
t sync f
t pathchk 'a/b'
t pathchk -p 'a:b'
t chroot / echo in
t chroot /nothing
t chcon x f
t chroot --userspec=65534:65534 / id
t chroot --userspec=65534 / bash -c 'echo x > /etc/passwd; cat /etc/shadow; ls /root; kill -0 1; touch /tmp/mine; stat -c %u /tmp/mine; rm -f /tmp/um; mkdir /proc/x; chown 0 /tmp/mine; chmod 4755 /tmp/mine; stat -c %a /tmp/mine'
t stty -F /dev/null
t stty
t stat -c '%s' d
t bash -c 'touch d/{1..7}; stat -c %s d; rm d/3; stat -c %s d; mkdir d/q; stat -c "%s %h" d'
