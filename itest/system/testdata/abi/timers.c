#include "abi.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

static long ms(struct timespec a, struct timespec b) { return (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000; }

static uint64_t n;

static int ready(int fd, int timeout) {
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};
	poll(&p, 1, timeout);
	return p.revents;
}

int main(void) {
	CASE("a timerfd is set, polled and read", "timerfd_create timerfd_settime timerfd_gettime");
	int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM, CLOCK_PROCESS_CPUTIME_ID,
			CLOCK_MONOTONIC_RAW, CLOCK_TAI, -1, 99};
	for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
		int fd = timerfd_create(clocks[i], 0);
		show("timerfd_create", fd < 0 ? -1 : 0);
		close(fd);
	}
	S(timerfd_create, CLOCK_MONOTONIC, 1);
	struct timespec a, b;
	struct itimerspec s = {{0, 0}, {0, 300000000}}, o = {{9, 9}, {9, 9}};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_GETFL));
	char link[64] = "", name[64];
	sprintf(name, "/proc/self/fd/%d", fd);
	R(readlink(name, link, sizeof link - 1));
	puts(link);
	struct stat st;
	R(fstat(fd, &st));
	R(st.st_mode);
	R(timerfd_gettime(fd, &o));
	printf("%ld %ld %ld %ld\n", o.it_value.tv_sec, o.it_value.tv_nsec, o.it_interval.tv_sec, o.it_interval.tv_nsec);
	R(read(fd, &n, 8));
	R(ready(fd, 0));
	R(timerfd_settime(fd, 0, &s, &o));
	R(ready(fd, 0));
	R(read(fd, &n, 8));
	R(ready(fd, 5000));
	R(ready(fd, 0));
	R(read(fd, &n, 7));
	R(pread(fd, &n, 8, 0));
	R(read(fd, &n, 100));
	R(n);
	R(ready(fd, 0));
	R(write(fd, &n, 8));
	R(lseek(fd, 5, SEEK_SET));
	R(ftruncate(fd, 0));
	R(timerfd_gettime(fd, &o));
	printf("%ld %ld\n", o.it_value.tv_sec, o.it_value.tv_nsec);

	CASE("errors of timerfds", "timerfd_settime timerfd_gettime");
	// What is not valid.
	S(timerfd_settime, fd, 0, 8, 0);
	S(timerfd_settime, fd, 4, &s, 0);
	S(timerfd_settime, fd, 0, &s, 8);
	S(timerfd_settime, 99, 0, &s, 0);
	S(timerfd_settime, 1, 0, &s, 0);
	S(timerfd_gettime, fd, 8);
	S(timerfd_gettime, 99, &o);
	S(timerfd_gettime, 1, &o);
	s.it_value.tv_nsec = 1000000000;
	R(timerfd_settime(fd, 0, &s, NULL));
	s.it_value = (struct timespec){-1, 0};
	R(timerfd_settime(fd, 0, &s, NULL));
	s.it_value = (struct timespec){0, 0};
	s.it_interval = (struct timespec){0, -1};
	R(timerfd_settime(fd, 0, &s, NULL));

	CASE("times far away do not overflow", "timerfd_settime");
	// Far away: nothing overflows.
	s = (struct itimerspec){{0, 0}, {INT64_MAX, 999999999}};
	R(timerfd_settime(fd, 0, &s, NULL));
	R(timerfd_gettime(fd, &o));
	R(o.it_value.tv_sec > 9000000000);
	R(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL));
	R(timerfd_gettime(fd, &o));
	R(o.it_value.tv_sec > 9000000000);
	R(ready(fd, 10));
	int rt = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	R(timerfd_settime(rt, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &s, NULL));
	R(ready(rt, 10));
	R(read(rt, &n, 8));
	R(timerfd_settime(fd, TFD_TIMER_CANCEL_ON_SET, &s, NULL));

	CASE("intervals are counted from the first time", "timerfd_settime timerfd_gettime");
	// Intervals are counted from the first time.
	clock_gettime(CLOCK_MONOTONIC, &a);
	s = (struct itimerspec){{0, 10000000}, {a.tv_sec, a.tv_nsec}};
	R(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL));
	R(ready(fd, 0));
	nap(55);
	struct timespec before;
	clock_gettime(CLOCK_MONOTONIC, &before);
	R(read(fd, &n, 8));
	R(n >= 6);
	clock_gettime(CLOCK_MONOTONIC, &b);
	R((long)n >= ms(a, before) / 10 && (long)n - 1 <= ms(a, b) / 10);
	R(timerfd_gettime(fd, &o));
	R(o.it_interval.tv_nsec);
	R(o.it_value.tv_nsec > 0 && o.it_value.tv_nsec <= 10000000);
	nap(30);
	R(timerfd_gettime(fd, &o));
	R(o.it_value.tv_nsec > 0 && o.it_value.tv_nsec <= 10000000);
	R(ready(fd, 0));
	s = (struct itimerspec){{0, 5}, {0, 0}};
	R(timerfd_settime(fd, 0, &s, &o));
	R(o.it_interval.tv_nsec);
	R(ready(fd, 20));
	R(timerfd_gettime(fd, &o));
	printf("%ld %ld\n", o.it_value.tv_nsec, o.it_interval.tv_nsec);
	s = (struct itimerspec){{0, 1}, {0, 1}};
	R(timerfd_settime(fd, 0, &s, NULL));
	R(ready(fd, 1000));
	nap(2);
	R(read(fd, &n, 8));
	R(n > 1000000);

	CASE("a timerfd of CLOCK_REALTIME", "timerfd_settime");
	// The past is now; CLOCK_REALTIME.
	clock_gettime(CLOCK_REALTIME, &a);
	s = (struct itimerspec){{0, 0}, {a.tv_sec - 100, 0}};
	R(timerfd_settime(rt, TFD_TIMER_ABSTIME, &s, NULL));
	R(ready(rt, 0));
	R(read(rt, &n, 8));
	R(n);
	s = (struct itimerspec){{0, 0}, {a.tv_sec, a.tv_nsec}};
	s.it_value.tv_nsec += 40000000;
	if (s.it_value.tv_nsec >= 1000000000)
		s.it_value.tv_nsec -= 1000000000, s.it_value.tv_sec++;
	R(timerfd_settime(rt, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &s, NULL));
	R(ready(rt, 5000));
	clock_gettime(CLOCK_REALTIME, &b);
	R(ms(a, b) >= 40);
	R(read(rt, &n, 8));
	R(n);

	CASE("reading a timerfd waits", "read epoll_wait");
	// A read waits; epoll.
	int w = timerfd_create(CLOCK_BOOTTIME, 0);
	s = (struct itimerspec){{0, 20000000}, {0, 20000000}};
	clock_gettime(CLOCK_MONOTONIC, &a);
	R(timerfd_settime(w, 0, &s, NULL));
	R(read(w, &n, 8));
	clock_gettime(CLOCK_MONOTONIC, &b);
	R(ms(a, b) >= 20);
	int ep = epoll_create1(0);
	struct epoll_event e = {EPOLLIN | EPOLLET, {.u32 = 7}}, got;
	R(epoll_ctl(ep, EPOLL_CTL_ADD, w, &e));
	R(epoll_wait(ep, &got, 1, 5000));
	printf("%x %u\n", got.events, got.data.u32);
	R(epoll_wait(ep, &got, 1, 50));
	R(read(w, &n, 8));
	R(epoll_wait(ep, &got, 1, 5000));
	// A child shares it.
	pid_t pid = child();
	if (pid == 0)
		_exit(read(w, &n, 8) != 8);
	reap("child", pid);

	CASE("the clock is set by who may, to what there is", "clock_settime settimeofday");
	struct timeval tv = {0, 1000000};
	S(settimeofday, &tv, 0);
	S(settimeofday, 8, 0);
	S(settimeofday, 0, 8);
	a = (struct timespec){-1, 0};
	S(clock_settime, CLOCK_REALTIME, &a);
	S(clock_settime, CLOCK_REALTIME, 8);
	S(clock_settime, CLOCK_MONOTONIC, &b);
	S(clock_settime, 99, &b);
	clock_gettime(CLOCK_REALTIME, &b);
	R(clock_settime(CLOCK_REALTIME, &b) == 0 || errno == EPERM); // a container may not
	return 0;
}
