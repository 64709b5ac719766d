# Runs the scripts beside it, each in a directory of its own. t shows a command, what it prints and its status.
here=${0%/*}
t() { echo "== $*"; "$@" 2>&1; echo "-- $?"; }
export -f t
for s in "$here"/*.sh; do
	n=${s##*/}; n=${n%.sh}
	[ "$n" = all ] && continue
	mkdir "/tmp/$n"; cd "/tmp/$n" && bash "$s" </dev/null 2>&1
	echo "== $n: $?"
done
