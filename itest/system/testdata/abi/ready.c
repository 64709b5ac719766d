#include "abi.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>

static void alarmed(int s) {}

static void events(int ep, int max, int timeout) {
	struct epoll_event e[16];
	int n = epoll_wait(ep, e, max, timeout);
	if (n < 0) {
		printf("epoll_wait: %s\n", strerrorname_np(errno));
		return;
	}
	unsigned long bits = 0, data = 0;
	for (int i = 0; i < n; i++)
		bits |= e[i].events, data += e[i].data.u64;
	printf("epoll_wait: %d, %lx of %lu\n", n, bits, data);
}

// beyond shows that select looks no further than the descriptor table is large, which grows with the highest descriptor and is forked by need.
static void beyond(void) {
	pid_t pid = child();
	if (pid == 0) {
		int p[2];
		syscall(SYS_close_range, 3, ~0U, 0);
		pid = child();
		if (pid != 0)
			_exit(waitpid(pid, NULL, 0) != pid);
		pipe(p);
		write(p[1], "x", 1);
		static const int grow[] = {63, 64, 90, 127, 128, 300};
		for (int i = 0; i < 6; i++) {
			fd_set r;
			for (int fd = 60; fd < 600; fd += 15) {
				FD_ZERO(&r);
				FD_SET(p[0], &r);
				FD_SET(fd, &r);
				printf("select with %d: ", fd);
				R(select(fd + 1, &r, NULL, NULL, NULL));
				R(FD_ISSET(fd, &r));
			}
			R(dup2(p[0], grow[i]));
			R(close(grow[i]));
		}
		_exit(0);
	}
	reap("beyond", pid);
}

int main(void) {
	CASE("poll reports what is asked and what always counts", "poll");
	int p[2], q[2];
	char buf[16];
	pipe(p);
	pipe(q);
	struct pollfd f[4] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {99, POLLIN, 0}, {-1, POLLIN, 7}};
	R(poll(f, 4, 0));
	printf("%x %x %x %x\n", f[0].revents, f[1].revents, f[2].revents, f[3].revents);
	R(poll(f, 1, 10));
	R(poll(NULL, 0, 5));
	write(p[1], "x", 1);
	R(poll(f, 1, -1));
	R(f[0].revents);
	R(poll((void *)8, 1, 0));
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	f[0] = (struct pollfd){fd, POLLIN | POLLOUT | POLLPRI, 0};
	R(poll(f, 1, -1));
	R(f[0].revents);
	read(p[0], buf, 1);

	CASE("poll waits for the first of two", "poll");
	// Two events, one comes later.
	pid_t pid = child();
	if (pid == 0) {
		nap(30);
		write(q[1], "late", 4);
		_exit(0);
	}
	f[0] = (struct pollfd){p[0], POLLIN, 0};
	f[1] = (struct pollfd){q[0], POLLIN, 0};
	R(poll(f, 2, 5000));
	printf("%x %x\n", f[0].revents, f[1].revents);
	reap("late", pid);
	read(q[0], buf, 4);

	CASE("poll and ppoll are interrupted", "poll ppoll");
	struct sigaction sa = {.sa_handler = alarmed, .sa_flags = SA_RESTART};
	sigaction(SIGALRM, &sa, NULL);
	pid = child();
	if (pid == 0) {
		for (;;) { // the first may come before the poll
			nap(30);
			kill(getppid(), SIGALRM);
		}
	}
	R(poll(f, 2, 5000));
	kill(pid, SIGKILL);
	reap("alarm", pid);
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	raise(SIGALRM);
	struct timespec ts = {5, 0};
	R(ppoll(f, 2, &ts, &none));
	ts = (struct timespec){0, 1000000};
	R(ppoll(f, 2, &ts, NULL));
	ts = (struct timespec){0, -1};
	R(ppoll(f, 2, &ts, NULL));
	sigprocmask(SIG_SETMASK, &none, NULL);

	CASE("select and pselect", "pselect6");
	fd_set r, w;
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(p[0], &r);
	FD_SET(q[0], &r);
	FD_SET(p[1], &w);
	struct timeval tv = {1, 0};
	R(select(20, &r, &w, NULL, &tv));
	R(FD_ISSET(p[0], &r) * 10 + FD_ISSET(p[1], &w));
	FD_SET(p[0], &r);
	tv = (struct timeval){0, 5000};
	R(select(20, &r, NULL, NULL, &tv));
	R(FD_ISSET(p[0], &r));
	FD_SET(p[0], &r);
	write(p[1], "z", 1);
	R(select(20, &r, NULL, NULL, NULL));
	close(dup2(p[0], q[0] + 20));
	FD_SET(q[0] + 20, &r);
	R(select(q[0] + 21, &r, NULL, NULL, NULL));
	CASE("select looks no further than the descriptor table", "pselect6");
	beyond();
	R(select(-1, NULL, NULL, NULL, NULL));
	tv = (struct timeval){0, -5};
	R(select(0, NULL, NULL, NULL, &tv));
	ts = (struct timespec){0, 1000000};
	R(pselect(0, NULL, NULL, NULL, &ts, NULL));
	read(p[0], buf, 1);

	CASE("epoll_ctl adds, changes and removes", "epoll_create epoll_create1 epoll_ctl epoll_wait");
	// epoll.
	int ep = epoll_create1(EPOLL_CLOEXEC);
	R(epoll_create(0));
	R(epoll_create1(77));
	struct epoll_event e = {EPOLLIN, {.u64 = 1}};
	R(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, 99, &e));
	R(epoll_ctl(ep, EPOLL_CTL_MOD, q[0], &e));
	R(epoll_ctl(ep, EPOLL_CTL_DEL, q[0], NULL));
	R(epoll_ctl(fd, EPOLL_CTL_ADD, q[0], &e));
	R(epoll_ctl(ep, 77, q[0], &e));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, q[0], (void *)8));
	events(ep, 16, 0);
	events(ep, 0, 0);
	events(fd, 1, 0);
	events(ep, 16, 5);
	write(p[1], "ab", 2);
	events(ep, 16, -1);
	events(ep, 16, -1); // level
	CASE("edges and one shots", "epoll_ctl epoll_wait");
	e.events = EPOLLIN | EPOLLET;
	R(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	events(ep, 16, 0);
	events(ep, 16, 0);
	write(p[1], "c", 1);
	events(ep, 16, 0);
	events(ep, 16, 0);
	e.events = EPOLLIN | EPOLLONESHOT;
	R(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	events(ep, 16, 0);
	write(p[1], "c", 1);
	events(ep, 16, 0);
	R(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	events(ep, 16, 0);
	CASE("an exclusive member", "epoll_ctl");
	int ep2 = epoll_create1(0), lone = eventfd(0, 0);
	e.events = EPOLLIN | EPOLLEXCLUSIVE;
	R(epoll_ctl(ep2, EPOLL_CTL_ADD, ep, &e));
	R(epoll_ctl(ep2, EPOLL_CTL_MOD, lone, &e));
	R(epoll_ctl(ep2, EPOLL_CTL_ADD, lone, &e));
	R(epoll_ctl(ep2, EPOLL_CTL_ADD, lone, &e));
	R(epoll_ctl(ep2, EPOLL_CTL_MOD, lone, &e));
	e.events = EPOLLIN;
	R(epoll_ctl(ep2, EPOLL_CTL_MOD, lone, &e));
	R(epoll_ctl(ep2, EPOLL_CTL_DEL, lone, &e));
	for (int i = 0; i < 3; i++) {
		e.events = EPOLLIN | EPOLLEXCLUSIVE | (int[]){EPOLLONESHOT, EPOLLPRI, EPOLLET}[i];
		R(epoll_ctl(ep2, EPOLL_CTL_ADD, lone, &e));
	}
	close(ep2), close(lone);

	CASE("an open file is a member by its descriptor", "epoll_ctl epoll_wait");
	e = (struct epoll_event){EPOLLIN, {.u64 = 10}};
	R(epoll_ctl(ep, EPOLL_CTL_ADD, q[0], &e));
	e = (struct epoll_event){EPOLLIN, {.u64 = 100}};
	int d = dup(q[0]);
	R(epoll_ctl(ep, EPOLL_CTL_ADD, d, &e));
	write(q[1], "d", 1);
	events(ep, 16, 0);
	R(epoll_wait(ep, &e, 1, 0)); // which one is not promised
	close(q[0]);
	events(ep, 16, 0); // the open file lives
	R(epoll_ctl(ep, EPOLL_CTL_DEL, d, NULL));
	close(d);
	events(ep, 16, 0);
	CASE("epoll within epoll", "epoll_ctl epoll_wait");
	int outer = epoll_create1(0);
	e = (struct epoll_event){EPOLLIN, {.u64 = 7}};
	R(epoll_ctl(outer, EPOLL_CTL_ADD, ep, &e));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, outer, &e));
	events(outer, 16, 0);
	e = (struct epoll_event){EPOLLIN, {.u64 = 1}};
	R(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	events(outer, 16, 0);
	f[0] = (struct pollfd){outer, POLLIN, 0};
	R(poll(f, 1, 0));
	R(f[0].revents);
	close(p[1]);
	events(ep, 16, 0);
	R(read(p[0], buf, 16));
	events(ep, 16, 0);
	R(read(ep, buf, 8));

	CASE("eventfd counts", "eventfd2 read write");
	// eventfd.
	uint64_t v = 5;
	int ev = eventfd(3, EFD_NONBLOCK);
	R(read(ev, buf, 4));
	R(read(ev, &v, 8));
	R(v);
	R(read(ev, &v, 8));
	v = 2;
	R(write(ev, &v, 8));
	R(write(ev, &v, 8));
	R(write(ev, &v, 4));
	R(read(ev, &v, 8));
	R(v);
	v = ~0UL;
	R(write(ev, &v, 8));
	v = ~0UL - 1;
	R(write(ev, &v, 8));
	v = 1;
	R(write(ev, &v, 8));
	f[0] = (struct pollfd){ev, POLLIN | POLLOUT, 0};
	R(poll(f, 1, 0));
	R(f[0].revents);
	CASE("an eventfd as a semaphore, and its edges", "eventfd2 epoll_wait");
	int sem = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	R(read(sem, &v, 8));
	R(v);
	R(read(sem, &v, 8));
	R(read(sem, &v, 8));
	R(eventfd(0, 77));
	R(lseek(sem, 0, SEEK_CUR));
	e = (struct epoll_event){EPOLLIN | EPOLLET, {.u64 = 2}};
	R(epoll_ctl(ep, EPOLL_CTL_ADD, sem, &e));
	events(ep, 16, 0);
	pid = child();
	if (pid == 0) {
		nap(30);
		v = 1;
		write(sem, &v, 8);
		_exit(0);
	}
	epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL);
	events(ep, 16, 5000);
	reap("event", pid);
	return 0;
}
