mkdir -p a/b/c x; seq 10 > a/1; seq 20 > a/b/2; : > a/b/c/empty; touch -d @1000 a/old; touch -d @2000 a/new; ln -s a/1 link; ln -s nothing dangling; mkfifo x/p; chmod 4755 a/1; chmod 000 a/b/2; cp /bin/true x/true; touch 'x/sp ace' $'x/new\nline'
t find . | sort
t find a -newer a/old -type f | sort
t find a ! -newer a/new | sort
t find a -newermt @1500 -name 'n*' | sort
t find . -type l -printf '%p -> %l\n' | sort
t find -L . -type l | sort
t find . -xtype l | sort
t find . -empty | sort
t find . -perm -4000 | sort
t find . -perm /222 -type f | sort
t find a -size +10c -size -60c | sort
t find a -size 1 | sort
t find a -type f -exec wc -c {} + | sort
t find a -type f -exec echo one {} ';' | sort
t find a -name 1 -execdir pwd ';' | sed "s,$PWD,HERE,"
t find a -name 1 -exec false ';' -print | sort
t find . -type f -exec sh -c 'for f; do echo "<$f>"; done' sh {} + | sort
t find a -exec nothing {} ';' | sort
t find a -name 1 -ok true ';' | sort
t find . -maxdepth 1 | sort
t find a -mindepth 2 | sort
t find a -depth | tail -n 1
t find . -path './a/*' -prune -o -print | sort
t find a -regex '.*/[0-9]' | sort
t find . -iname '*EMPTY' | sort
t find a -samefile a/1 | sort
t find . -links 2 | sort
t find a -inum $(stat -c %i a/1) | sed 1d
t find . -uid 0 -name 1 | sort
t find . -user nobody | sort
t find . -nouser | sort
t find a -mmin -5 -name 1 | sort
t find a -mtime +100 | sort
t find . -printf '%y %m %s %d %f %h\n' | grep -v '^d' | sort
t find a -fprint out | sort
t sort out
t find a -ls | wc -l
t find . -print0 | tr '\0' '|' | wc -c
t find x -name 'sp*' -delete | sort
t find x -name 'sp*' | sort
t find nothing | sort
t find . -quit | sort
t find . -readable -name 2 | sort
t find . -executable -type f | sort
t find / -xdev -maxdepth 1 -name etc | sort
t find /proc/self/fd -maxdepth 0 | sort
t find . -fstype tmpfs -maxdepth 0 | sort
t find a b | sort
t find . -bad | sort
t find -O3 . -name 1 -a -type f | sort
t find x -type f -print0 | xargs -0 -n 1 echo | sort; seq 30 > l
t xargs -n 10 -a l
t xargs -P 4 -n 1 -a l sh -c 'sleep 0.0$((RANDOM % 5)); echo $0' | sort -n | md5sum
t xargs -a l -I {} echo '<{}>' | tail -n 1
t xargs -a l -n 7 false
t xargs -a l nothing
t sh -c 'seq 5 | xargs -n 1 sh -c "exit 255"'
t sh -c 'echo a b | xargs -n 1 sh -c "kill -9 \$\$"'
t xargs -r echo < /dev/null
t xargs echo < /dev/null
t xargs -t -n 2 < l 2>&1 | head -n 2
t sh -c 'seq 100000 | xargs echo | wc -l'
t sh -c 'seq 30000 | xargs -s 5000 echo | md5sum'
t sh -c 'printf "a\"b c\" d" | xargs -n 1'
t sh -c 'printf "a,b,c" | xargs -d , -n 1'
t sh -c 'seq 8 | xargs -P 0 -I @ sh -c "exit @"'
t sh -c 'seq 3 | xargs --process-slot-var=S -P 1 -n 1 sh -c "echo \$S"'
t xargs -L 2 echo < l | head -n 2
t xargs --show-limits < /dev/null 2>&1 | grep -c .
