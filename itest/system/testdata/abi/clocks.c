#include "abi.h"
#include <sys/time.h>
#include <sys/times.h>

static long ms(struct timespec a, struct timespec b) { return (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000; }

static volatile int alarms;

static void went_off(int sig)
{
	alarms++;
}

int main(void) {
	CASE("clocks tell time and resolution", "clock_gettime clock_getres");
	struct timespec a, b, t;
	int ids[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME,
		     CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_TAI};
	for (unsigned i = 0; i < sizeof ids / sizeof *ids; i++) {
		R(clock_gettime(ids[i], &a));
		R(a.tv_nsec >= 0 && a.tv_nsec < 1000000000);
		S(clock_gettime, ids[i], &a);
		R(clock_getres(ids[i], &b));
	}
	R(clock_gettime(99, &a));
	S(clock_gettime, CLOCK_MONOTONIC, 8);
	R(clock_getres(CLOCK_MONOTONIC, NULL));
	clock_gettime(CLOCK_REALTIME, &a);
	R(labs(time(NULL) - a.tv_sec) <= 1);
	R(a.tv_sec > 1600000000);
	CASE("the processor time of others, by a clock's id", "clock_gettime clock_getres");
	pid_t pid = child();
	if (pid == 0)
		pause(), _exit(0);
	int whose[] = {0, getpid(), pid, 1, 0x7ffffff};
	for (int i = 0; i < 5; i++)
		for (int kind = 0; kind < 8; kind++) {
			int id = ~whose[i] << 3 | kind;
			R(clock_gettime(id, &a));
			R(clock_getres(id, &b));
		}
	kill(pid, SIGKILL);
	reap("child", pid);
	for (long i = 0; i < 20000000; i++)
		asm volatile("");
	clock_gettime(~getpid() << 3 | 2, &a);
	clock_gettime(~getpid() << 3 | 6, &b);
	R(a.tv_sec > 0 || a.tv_nsec > 0);
	R(b.tv_sec > 0 || b.tv_nsec > 0);
	CASE("gettimeofday and time agree with the clock", "gettimeofday time");
	struct timeval tv;
	R(gettimeofday(&tv, NULL));
	R(labs(tv.tv_sec - a.tv_sec) <= 1);

	CASE("sleeps last as long as asked", "clock_nanosleep nanosleep");
	clock_gettime(CLOCK_MONOTONIC, &a);
	t = (struct timespec){0, 30000000};
	R(nanosleep(&t, NULL));
	clock_gettime(CLOCK_MONOTONIC, &b);
	R(ms(a, b) >= 30);
	t = (struct timespec){0, 1000000000};
	R(nanosleep(&t, NULL));
	t = (struct timespec){-1, 0};
	R(nanosleep(&t, NULL));
	S(nanosleep, 8, 0);
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += 20000000;
	if (t.tv_nsec >= 1000000000)
		t.tv_nsec -= 1000000000, t.tv_sec++;
	R(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
	clock_gettime(CLOCK_MONOTONIC, &b);
	R(ms(t, b) >= 0);
	R(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &a, NULL)); // long ago
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec -= 5;
	R(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL));
	R(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL));
	R(clock_nanosleep(77, 0, &t, NULL));
	CASE("sleeping takes no processor time, working does", "clock_gettime times");
	// Sleeping takes no processor time, working does.
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	nap(50);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	R(ms(a, b) < 40);
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	while (ms(a, b) < 20);
	R(ms(a, b) >= 20);
	struct tms tm;
	R(times(&tm) > 0);
	CASE("CLOCK_MONOTONIC never goes back", "clock_gettime");
	// Monotonic never goes back.
	clock_gettime(CLOCK_MONOTONIC, &a);
	int back = 0;
	for (int i = 0; i < 10000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &b);
		if (b.tv_sec < a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec < a.tv_nsec))
			back++;
		a = b;
	}
	R(back);
	CASE("interval timers that are not set", "getitimer setitimer");
	struct itimerval it;
	R(getitimer(ITIMER_REAL, &it));
	R(it.it_value.tv_sec + it.it_value.tv_usec);
	R(getitimer(77, &it));
	it.it_value.tv_usec = 1000000;
	R(setitimer(ITIMER_REAL, &it, NULL));
	it = (struct itimerval){{1, 0}, {-1, 0}};
	R(setitimer(ITIMER_REAL, &it, NULL));
	CASE("interval timers that never go off again", "getitimer setitimer");
	signal(SIGALRM, went_off);
	it = (struct itimerval){{INT64_MAX, 999999}, {0, 1000}};
	R(setitimer(ITIMER_REAL, &it, NULL));
	while (!alarms)
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	R(getitimer(ITIMER_REAL, &it));
	R(it.it_interval.tv_sec);
	R(it.it_interval.tv_usec);
	R(it.it_value.tv_sec > 9000000000);
	it = (struct itimerval){{0, 0}, {INT64_MAX, 0}};
	R(setitimer(ITIMER_REAL, &it, NULL));
	R(getitimer(ITIMER_REAL, &it));
	R(it.it_value.tv_sec > 9000000000);
	R(alarms);
	return 0;
}
