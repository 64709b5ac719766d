t bash -c 'seq 1 5 | while read x; do echo $((x*x)); done | sort -rn | head -n 2'
t bash -c 'set -o pipefail; false | true; echo $?; true | (exit 4) | cat; echo "$? ${PIPESTATUS[@]}"; ! false; echo $?; yes | head -n 1; echo "${PIPESTATUS[@]}"'
t bash -c 'shopt -s lastpipe; echo v | read x; echo $x; echo a b |& cat; ls /nothing |& sed s/ls/LS/'
t bash -c 'trap "echo usr1" USR1; trap "echo exit" EXIT; trap "echo err" ERR; trap "echo debug \$BASH_COMMAND" DEBUG; kill -USR1 $$; false; trap - DEBUG; trap; trap "" INT; kill -INT $$; echo on'
t bash -c 'trap "echo return" RETURN; f() { return 3; }; f; set -T; f; echo $?; trap "echo chld" CHLD; (exit 3); /bin/true & wait; echo end'
t bash -c 'trap "echo term; exit 5" TERM; (sleep 0.1; kill -TERM $$) & while :; do sleep 0.01; done'
t bash -c 'trap "echo pipe" PIPE; yes | head -n 1; (trap - PIPE; yes; echo "$? never") 2>&1 | head -n 1; kill -l PIPE; kill -l 143'
t bash -c 'x=5; cat <<END; cat <<\END; cat <<-END
a $x $((x+1)) $(echo sub) \$x
END
b $x
END
	tabs
	END
cat <<< "string $x"; cat <<A; cat <<B
in a
A
in b
B'
t bash -c 'cat <(echo one) <(echo two); diff <(seq 3) <(seq 4); echo out > >(cat; echo done); wait $!; sort -m <(seq 1 2 9) <(seq 2 2 9) | tr "\n" " "; tee >(wc -c >&2) < <(printf 12345) >/dev/null; wait; paste <(seq 2) <(seq 3 4)'
t bash -c 'mkfifo go; read x <go & (exit 3) & a=$!; wait -n; echo $?; echo >go; wait -n; echo $?; wait -n; echo $?; wait 99999; echo $?; wait $a; echo $?; (read x <go; exit 6) & b=$!; echo >go; wait -p who -n; echo $? $((who == b))'
t bash -c 'coproc C { while read l; do echo "<$l>"; done; }; echo a >&${C[1]}; read x <&${C[0]}; echo $x; echo b >&${C[1]}; read x <&${C[0]}; echo $x; eval "exec ${C[1]}>&-"; wait $C_PID; echo $?'
t bash -c 'a=(1 2 "3 4" [7]=x); echo ${#a[@]} ${!a[@]} "${a[@]:1:2}" ${a[-1]}; a+=(y); unset "a[0]"; printf "<%s>" "${a[@]}"; echo; declare -A h=([k]=v [m]="w x"); for k in $(printf "%s\n" "${!h[@]}" | sort); do echo $k=${h[$k]}; done; mapfile -t m < <(seq 3); echo ${m[2]}; mapfile -n 1 -s 1 m < <(seq 3); echo ${m[0]}; declare -p a h; read -a r <<< "x y z"; echo ${r[1]}'
t bash -c 's=abcdef; echo ${s:2:2} ${s#a} ${s%%c*} ${s/b/X} ${s^^} ${#s} ${s@Q} ${u:-def} ${s:+alt}; echo {a..c}{1..2} {01..03}; echo $((16#ff)) $((2**40)) $((7/2)) $((-7%3)); let x=3+4; echo $x; (( x > 3 )) && echo yes; [[ abc =~ ^a(.)c ]] && echo ${BASH_REMATCH[1]}; case abc in a*) echo star;;& *c) echo end;; esac'
t bash -c 'f() { local v=in; echo $v $1 $#; return 4; }; v=out; f a b; echo $? $v; g() { [ $1 -le 1 ] && echo 1 || echo $(( $1 * $(g $(( $1 - 1 ))) )); }; g 6; select x in a b; do echo $x; break; done <<< 2; until false; do echo u; break; done; for ((i=0; i<3; i++)); do printf $i; done; echo; while read -r a b; do echo "$b/$a"; done <<< "1 2 3"; exec 5<<< five; read -u 5 z; echo $z; exec 5<&-; read -u 5 z; echo $?'
t bash -c 'exec 3>o3; echo to3 >&3; exec 3>&-; cat o3; echo both >o4 2>&1; echo more &>>o4; cat o4; { echo a; echo b >&2; } 2>&1 >/dev/null; echo x >/nothing/y; echo $?; set -C; echo 1 > o4; echo 2 >| o4; cat o4; exec 7<>o4; read -u 7 l; echo app >&7; cat o4; echo 1 > /dev/full; echo $?; : > "$(printf "odd\nname")"; ls -b; cat < nothing; echo >&9; echo {fd}; exec {fd}>o5; [ $fd -ge 10 ]; echo $?'
t bash -c 'exec 8< <(exec sleep 100); read -t 0.1 -u 8 x; echo $?; kill $!; read -n 2 x <<< abc; echo $x; read -d : x <<< a:b; echo $x; printf "%-5s|%05d|%x|%q|%b|%(%Y)T\n" ab 42 255 "a b" "x\ty" 0; printf -v y "%s-" 1 2; echo $y; echo -e "a\tb\c"; echo -n; printf "%d\n" abc; echo $?; type -t ls echo if f; command -v ls; hash -r; builtin echo bu; enable -n echo; echo ext'
t bash -c 'ulimit -n 20; ulimit -n; ulimit -c; (ulimit -n 5; exec 9>x); ulimit -t 1000; ulimit -t; ulimit -S -n 10; ulimit -Hn; umask 027; umask; times | wc -l'
t bash -c 'nothing; echo $?; /etc; echo $?; ./nothing; echo $?; echo "echo script \$0 \$1" > scr; chmod +x scr; ./scr a; echo "#!/bin/nothing" > bad; chmod +x bad; ./bad; echo $?; printf "#!/bin/cat -n\nline\n" > cat; chmod +x cat; ./cat; chmod -x cat; ./cat; echo $?; printf "\x7fELF" > elf; chmod +x elf; ./elf; echo $?; exec nothing; echo not' 
t bash -c 'sleep 100 & kill %1; wait %1; echo $?; sleep 100 & kill -9 $!; wait $!; echo $?; bash -c "kill -SEGV \$\$"; echo $?; bash -c "kill -ABRT \$\$"; echo $?; (kill -TERM $BASHPID); echo $?; disown -a; jobs; kill -0 99999; echo $?; kill 99999; echo $?; mkfifo on; read x <on & jobs -l | sed "s/[0-9]\{1,\} R/PID R/"; echo >on; wait; echo $-'
t bash -c 'for i in {1..40}; do (exit $((i%5))) & p+=($!); done; for q in "${p[@]}"; do wait $q; s=$((s+$?)); done; echo $s; seq 200 | xargs -P 8 -n 10 bash -c "echo \$#" | sort | uniq -c; for i in {1..20}; do echo $i; done | (while read a; do (( b += a )); done; echo $b); echo $(echo $(echo $(echo deep)))'
t bash -c 'source <(echo "y=3"); echo $y; . /dev/stdin <<< "z=4"; echo $z; eval "w=5; echo \$w"; bash -s a b <<< "echo \$# \$2"; echo "echo piped" | bash; bash -n -c "if"; echo $?; bash -x -c "echo traced"; set -e; (false; echo not); echo $?' 
t bash -c 'set -u; echo ${a-d}; echo $nope; echo not'
t bash -c 'set -e; f() { false; }; f || echo caught; false; echo not'
t bash -c 'exit 300'
t bash -c 'exit -1'
t bash -c 'kill -KILL $$'
t bash -c 'ulimit -s 512; f() { f; }; f' 2>&1 | tail -n 2
t bash -c 'x=$(printf "%s " {1..20000}); echo ${#x}; /bin/echo $x | md5sum; x=$(head -c 3000000 /dev/zero | tr "\0" a); /bin/echo "$x" | wc -c; /bin/echo "${x:0:131071}" | wc -c; /bin/echo "${x:0:131072}" | wc -c; export x; /bin/true; echo $?'
t bash -c 'cd /tmp; cd /proc/self; pwd; cd -; mkdir gone; cd gone; rmdir ../gone; pwd; ls; /bin/pwd; cd ..; pwd; pushd / ; dirs; popd; cd nothing; CDPATH=/usr cd bin; echo ~ ~root ~nobody $OLDPWD'
t bash -c 'echo a* [ef]* ?; touch a1 a2 .h; echo a* .[a-z]*; shopt -s nullglob dotglob extglob globstar; echo * nothing*; mkdir -p x/y; touch x/y/z; echo **/z; echo !(a*); set -f; echo *'
t bash -c 'echo $$ $BASHPID $PPID > /dev/null; [ $(bash -c "echo \$PPID") = $$ ]; echo $?; echo $BASH_SUBSHELL $(echo $BASH_SUBSHELL); echo $RANDOM | grep -c .; SECONDS=5; echo $SECONDS; echo $UID $EUID $HOSTTYPE $MACHTYPE; RANDOM=3; echo $RANDOM $RANDOM; echo ${BASH_VERSINFO[0]} $SHLVL; caller; history | wc -l; getopts ab: o -b x; echo $o $OPTARG; shopt -p extglob; echo $LINENO'
t bash -c 'exec -a other bash -c "echo \$0"; echo not'
t bash --norc -ic 'echo in; exit 3' 2>&1 | grep -v 'job control\|ioctl'
t bash -lc 'echo $PATH'
t sh -c 'echo dash; exit 2'
t dash -c 'trap "echo t" EXIT; for i in 1 2; do echo $i; done; echo $((3*4)); read x <<E
here
here
E
echo $x'
t rbash -c 'cd /'
