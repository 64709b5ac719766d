#include "abi.h"
#include <poll.h>
#include <sys/signalfd.h>

static volatile int hits, id, code, value, over, tid;

static void onTimer(int sig, siginfo_t *i, void *u) {
	hits++;
	id = i->si_timerid, code = i->si_code, value = i->si_value.sival_int, over = i->si_overrun, tid = gettid();
}

static int create(clockid_t clock, int notify, int sig, int v) {
	struct sigevent e = {.sigev_notify = notify, .sigev_signo = sig};
	e.sigev_value.sival_int = v;
	e._sigev_un._tid = gettid();
	int t = -1;
	return syscall(SYS_timer_create, clock, &e, &t) < 0 ? -1 : t;
}

static struct itimerspec o;

static int set(int t, int flags, long interval, long ns) {
	struct itimerspec s = {{interval / 1000000000, interval % 1000000000}, {ns / 1000000000, ns % 1000000000}};
	return syscall(SYS_timer_settime, t, flags, &s, &o);
}

static int get(int t) {
	memset(&o, 9, sizeof o);
	return syscall(SYS_timer_gettime, t, &o);
}

// armed says whether a time is left, and the interval.
static void armed(int t) {
	R(get(t));
	R(o.it_value.tv_sec > 0 || o.it_value.tv_nsec > 0);
	R(o.it_interval.tv_sec * 1000000000 + o.it_interval.tv_nsec);
}

int main(void) {
	sigset_t all, rt, none;
	sigfillset(&all);
	sigemptyset(&none);
	struct sigaction a = {.sa_sigaction = onTimer, .sa_flags = SA_SIGINFO};
	sigaction(SIGRTMIN, &a, 0);
	sigaction(SIGALRM, &a, 0);
	sigprocmask(SIG_SETMASK, &all, &none);

	CASE("clocks and events of timers", "timer_create timer_delete");
	int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, 99};
	for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++)
		R(create(clocks[i], SIGEV_SIGNAL, SIGALRM, 0));
	for (int i = 0; i < 5; i++)
		S(timer_delete, i);
	R(create(CLOCK_REALTIME, SIGEV_SIGNAL, 0, 0));
	R(create(CLOCK_REALTIME, SIGEV_SIGNAL, 65, 0));
	R(create(CLOCK_REALTIME, SIGEV_NONE, 65, 0) >= 0);
	R(create(CLOCK_REALTIME, 3, SIGALRM, 0));
	R(create(CLOCK_REALTIME, SIGEV_THREAD, SIGALRM, 0) >= 0);
	int t;
	S(timer_create, CLOCK_REALTIME, 8, &t);
	S(timer_create, CLOCK_REALTIME, 0, &t);
	S(timer_delete, t);
	S(timer_settime, t, 0, 0, 0);
	S(timer_settime, t, 0, 8, 0);
	S(timer_gettime, t, &o);
	S(timer_getoverrun, t);
	R(set(t, 0, 0, 1));

	CASE("a timer goes off once", "timer_settime timer_gettime timer_getoverrun");
	t = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN, 1234);
	armed(t);
	R(set(t, 0, 0, -1));
	R(set(t, 0, 0, 100000000000));
	R(o.it_value.tv_sec);
	armed(t);
	R(o.it_value.tv_sec > 90);
	R(set(t, 0, 0, 1000000));
	R(o.it_value.tv_sec > 90);
	sigsuspend(&none);
	printf("hits %d timer %d code %d value %d overrun %d\n", hits, id == t, code, value, over);
	armed(t);
	S(timer_getoverrun, t);

	CASE("an interval: what is overrun while the signal is pending", "timer_settime timer_getoverrun");
	R(set(t, 0, 1000000, 1000000));
	nap(20);
	sigpending(&rt);
	R(sigismember(&rt, SIGRTMIN));
	armed(t);
	struct timespec zero = {0, 0};
	siginfo_t info;
	sigemptyset(&rt);
	sigaddset(&rt, SIGRTMIN);
	R(sigtimedwait(&rt, &info, &zero) == SIGRTMIN);
	R(info.si_code);
	R(info.si_overrun >= 10);
	R(syscall(SYS_timer_getoverrun, t) == info.si_overrun);
	struct timespec second = {5, 0};
	R(sigtimedwait(&rt, &info, &second) == SIGRTMIN);
	R(set(t, 0, 0, 0));
	armed(t);
	S(timer_getoverrun, t);
	while (sigtimedwait(&rt, &info, &zero) > 0)
		;

	CASE("absolute times, also those that are past", "timer_settime");
	struct timespec now;
	int r = create(CLOCK_REALTIME, SIGEV_SIGNAL, SIGRTMIN, 7);
	R(set(r, TIMER_ABSTIME, 0, 1));
	R(sigtimedwait(&rt, &info, &second) == SIGRTMIN);
	clock_gettime(CLOCK_REALTIME, &now);
	R(set(r, TIMER_ABSTIME, 0, now.tv_sec * 1000000000 + now.tv_nsec + 5000000));
	R(sigtimedwait(&rt, &info, &second) == SIGRTMIN);
	clock_gettime(CLOCK_REALTIME, &now);
	R(now.tv_sec * 1000000000 + now.tv_nsec > 5000000);
	R(set(r, TIMER_ABSTIME, 1000000, 1));
	R(sigtimedwait(&rt, &info, &second) == SIGRTMIN);
	R(info.si_overrun == 0x7fffffff);
	S(timer_delete, r);
	sigtimedwait(&rt, &info, &zero);

	CASE("a timer for a thread, one that tells nobody, and signalfd", "timer_create");
	int th = create(CLOCK_MONOTONIC, 4, SIGRTMIN, 5);
	R(set(th, 0, 0, 1000000));
	tid = 0;
	sigsuspend(&none);
	R(tid == gettid());
	R(value);
	int no = create(CLOCK_MONOTONIC, SIGEV_NONE, 0, 5);
	R(set(no, 0, 3000000000, 1));
	nap(2);
	armed(no);
	R(o.it_value.tv_sec);
	int fd = signalfd(-1, &rt, 0);
	struct signalfd_siginfo si = {0};
	R(set(t, 0, 0, 1000000));
	R(read(fd, &si, sizeof si));
	printf("%d %d %d %d\n", si.ssi_signo == SIGRTMIN, si.ssi_code, si.ssi_tid == t, si.ssi_int);
	printf("%d %d %d\n", si.ssi_pid, si.ssi_uid, si.ssi_overrun);

	CASE("two timers of one standard signal both tell", "timer_settime");
	int x = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGALRM, 1), y = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGALRM, 2);
	R(set(x, 0, 0, 1000000));
	R(set(y, 0, 0, 2000000));
	nap(10);
	sigemptyset(&rt);
	sigaddset(&rt, SIGALRM);
	R(sigtimedwait(&rt, &info, &zero));
	R(info.si_value.sival_int);
	R(sigtimedwait(&rt, &info, &zero));
	R(info.si_value.sival_int);
	R(sigtimedwait(&rt, &info, &zero));

	CASE("a child has no timers, nor has a new program", "timer_create");
	fflush(stdout);
	pid_t pid = child();
	if (pid == 0) {
		S(timer_gettime, t, &o);
		R(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGALRM, 1));
		R(set(0, 0, 1000000000, 1000000));
		nap(5);
		execl("/proc/self/exe", "again", "again", NULL);
		_exit(9);
	}
	reap("child", pid);
	return 0;
}

__attribute__((constructor)) static void again(int argc, char **argv) {
	sigset_t p;
	if (argc < 2)
		return;
	sigpending(&p);
	R(sigismember(&p, SIGALRM));
	S(timer_gettime, 0, &o);
	exit(0);
}
