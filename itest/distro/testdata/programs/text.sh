printf 'alpha 1\nbeta 22\ngamma 333\n\nAlpha again\n' > f; mkdir d; cp f d/g; printf 'bin\0ary alpha\n' > b; seq 1000 > n; touch -d @86400 f d/g n
t grep alpha f
t grep -i alpha f
t grep -c a f
t grep -v a f
t grep -n '^$' f
t grep -E '[0-9]{2,}' f
t grep -o '[0-9]*' f
t grep -P '\d(?=3)' f
t grep -F . f
t grep -w alpha f d/g
t grep -r alpha .  | sort
t grep -rl beta . | sort
t grep -L beta f b
t grep alpha b
t grep -a alpha b | tr '\0' 0
t grep -q nothing f
t grep x nothing
t grep -s x nothing
t grep x d
t grep -A 1 beta f
t grep -C1 gamma f
t grep -m 1 a f
t grep -f f d/g | wc -l
t grep -z ary b | tr '\0' 0
t grep -b gamma f
t grep '\(' f
t egrep 'a|b' f
t fgrep 1 f
t grep --color=always beta f
t grep -c 7 n
t grep -xE '[0-9]+7' n | wc -l
t sh -c 'yes | grep -m 3 y'
t grep -H -n beta f
t grep -h beta f d/g
t grep alpha - < f
t sed 's/a/A/2' f
t sed -n '2,3p' f
t sed '/beta/d;s/\([a-z]*\) \([0-9]*\)/\2 \1/' f
t sed -E 's/([0-9]+)/<\1>/g' f
t sed -n '$=' f
t sed '1!G;h;$!d' f
t sed 'y/abc/xyz/' f
t sed -e '1i top' -e '$a bottom' -e '2c changed' f
t sed 3q f
t sed -n '/beta/,/^$/p' f
t sed ':a;N;$!ba;s/\n/,/g' f
t sed = f
t sed -n l b
t sed 5,2p -n f
t sed '0~2d' f
t sed 's/x/y' f
t sed p nothing
t sed -s -n '1p' f d/g
t sed 'w out' f
t cmp out f
t sed '1r d/g' f
t sed -z 's/\n/;/g' f
t sed '1e echo from shell' f
t sed 'n;d' f
t sed 3q5 f
t sed -i 's/beta/BETA/' f
t cat f
t sed -i.bak 1d f
t ls
t diff f f.bak
t sed -i --follow-symlinks s/a/b/ nothing
t stat -c '%a %h' f
t sed -u 1d f
t diff -u f d/g | tail -n +3
t diff -r d d
t diff -q f d/g
t diff -y -W 40 f d/g
t diff f nothing
t diff d f
t cmp f d/g
t cmp -l b f | head -n 3
t diff3 f d/g f
t sdiff -s f d/g
t comm <(sort f) <(sort d/g)
t awk '{ s += $2 } END { print s, NR }' f
t awk -F: 'NR == 1 { print $1, $NF }' /etc/passwd
t awk 'BEGIN { while (("seq 3" | getline l) > 0) print "got", l; close("seq 3"); print length("abc"), substr("hello", 2, 3), index("abc", "c"), toupper("x"); printf "%5.2f|%-4d|%c\n", 3.14159, 7, 65 }'
t awk '{ print > "out." NR }' f
t cat out.1
t awk 'BEGIN { system("exit 3"); print ENVIRON["HOME"]; exit 4 }'
t awk '{ a[$1]++ } END { n = 0; for (k in a) n++; print n }' f
t awk '{ print | "sort -r" }' n | head -n 1
t awk 'BEGIN { getline x < "f"; print x; "date -u -d @0 +%Y" | getline y; print y; print substr("x", 0), 1e6, 0.1 + 0.2, 2 ^ 10; exit }' 
t gzip -k n
t gzip -l n.gz | tail -n 1 | awk '{ print $2 }'
t zcat n.gz | md5sum
t gunzip -c n.gz | cmp - n
t gzip -t n.gz
t gzip n
t gzip -t f
t zgrep -c 7 n.gz
t gzip -dk n.gz
t sh -c 'gzip -9 < n | gzip -d | md5sum'
t tar cf t.tar d f n
t tar tvf t.tar | awk '{ print $1, $2, $3, $6 }'
t tar xf t.tar -C /tmp d/g
t tar czf t.tgz d
t tar tzf t.tgz | sort
t tar df t.tar
t tar xOf t.tar f | head -n 1
t tar --delete -f t.tar f
t tar tf t.tar | sort
t tar rf t.tar f
t tar tf t.tar | sort
t tar xf nothing
t sh -c 'tar cf - d | (mkdir e; cd e; tar xf -)'
t ls e/d
t perl -e 'print join ",", map { $_ * 2 } grep { $_ % 2 } 1 .. 9; print "\n"; open P, "-|", "seq 3" or die; print <P>; close P; system "exit 3"; print $? >> 8, "\n"; $SIG{CHLD} = sub { print "chld\n" }; my $p = fork; exit 5 unless $p; waitpid $p, 0; print $? >> 8, "\n"; print -d "d", -s "f", "\n"; opendir D, "d"; print join(" ", sort grep !/^\./, readdir D), "\n"; socketpair A, B, 1, 1, 0; syswrite A, "x"; sysread B, $_, 1; print "$_\n"; print((stat "f")[2] & 0777, "\n"); chmod 0600, "f"; rename "f", "F"; unlink "F"; print -e "F" ? "there" : "gone", "\n"'
t iconv -f latin1 -t utf8 <(printf '\344\n')
t locale -a
t getconf PAGE_SIZE
t getconf NAME_MAX /
t getent passwd root
t getent group tty
t getent hosts localhost
t getent services ssh
t look
t sh -c 'echo abc | rev'
t col < f
t column -t f
t hexdump -C b
t hd b
t namei -l /usr/bin | sed 1d
t cal
