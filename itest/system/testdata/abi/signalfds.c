#include "abi.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

static struct signalfd_siginfo si[8];

static int ready(int fd, int timeout) {
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};
	poll(&p, 1, timeout);
	return p.revents;
}

static void take(int fd, int n) {
	memset(si, 0xee, sizeof si);
	int got = read(fd, si, n * sizeof *si);
	if (got < 0) {
		printf("read: %s\n", strerrorname_np(errno));
		return;
	}
	printf("read: %d\n", got);
	for (int i = 0; i < got / (int)sizeof *si; i++)
		printf(" signo %d errno %d code %d pid %d uid %d status %d int %d ptr %lx addr %lx\n", si[i].ssi_signo, si[i].ssi_errno, si[i].ssi_code,
		       si[i].ssi_pid == getpid() ? 1 : si[i].ssi_pid != 0 ? 2 : 0, si[i].ssi_uid, si[i].ssi_status, si[i].ssi_int, (long)si[i].ssi_ptr,
		       (long)si[i].ssi_addr);
}

static void *sender(void *p) {
	nap(30);
	kill(getpid(), SIGUSR2);
	return NULL;
}

int main(void) {
	CASE("a signalfd is made, polled and read", "signalfd4");
	sigset_t m, all;
	sigemptyset(&m);
	sigaddset(&m, SIGUSR1);
	sigaddset(&m, SIGUSR2);
	sigaddset(&m, SIGCHLD);
	sigaddset(&m, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &m, NULL);
	S(signalfd4, -1, &m, 4, 0);
	S(signalfd4, -1, &m, 8, 1);
	S(signalfd4, -1, 8, 8, 0);
	S(signalfd4, 99, &m, 8, 0);
	S(signalfd4, 1, &m, 8, 0);
	int fd = signalfd(-1, &m, SFD_NONBLOCK | SFD_CLOEXEC);
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_GETFL));
	char link[64] = "", name[64];
	sprintf(name, "/proc/self/fd/%d", fd);
	R(readlink(name, link, sizeof link - 1));
	puts(link);
	R(ready(fd, 0));
	take(fd, 1);
	R(kill(getpid(), SIGUSR1));
	R(ready(fd, 0));
	R(read(fd, si, 127));
	R(pread(fd, si, 128, 0));
	R(write(fd, si, 128));
	R(lseek(fd, 0, SEEK_SET));
	take(fd, 1);
	R(ready(fd, 0));
	take(fd, 1);
	CASE("a signalfd takes several signals by number", "signalfd4 read");
	// Several: standard signals once, real-time ones each, by number.
	kill(getpid(), SIGUSR2);
	kill(getpid(), SIGUSR2);
	R(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 11}));
	R(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_ptr = (void *)0x1234567890}));
	syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1);
	take(fd, 8);
	take(fd, 8);
	// A thread's own signals, and those that a handler takes.
	R(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = -5}));
	R(ready(fd, 0));
	struct timespec zero = {0, 0};
	siginfo_t info;
	R(sigtimedwait(&m, &info, &zero) == SIGRTMIN + 1);
	R(ready(fd, 0));
	CASE("children are reported to a signalfd", "signalfd4");
	// Children.
	pid_t pid = child();
	if (pid == 0)
		_exit(42);
	R(ready(fd, 5000));
	take(fd, 1);
	reap("child", pid);
	pid = child();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	kill(pid, SIGSTOP);
	R(ready(fd, 5000));
	take(fd, 1);
	kill(pid, SIGCONT);
	R(ready(fd, 5000));
	take(fd, 1);
	kill(pid, SIGTERM);
	R(ready(fd, 5000));
	take(fd, 1);
	reap("child", pid);
	CASE("a signalfd gets another mask", "signalfd");
	// Another mask on the same one.
	kill(getpid(), SIGUSR1);
	R(ready(fd, 0));
	sigset_t other;
	sigemptyset(&other);
	sigaddset(&other, SIGUSR2);
	R(syscall(SYS_signalfd, fd, &other, 8) == fd);
	R(ready(fd, 0));
	take(fd, 1);
	kill(getpid(), SIGUSR2);
	R(ready(fd, 0));
	take(fd, 8);
	R(signalfd(fd, &m, 0) == fd);
	R(ready(fd, 0));
	take(fd, 8);
	// KILL and STOP cannot be had.
	sigfillset(&all);
	R(signalfd(fd, &all, 0) == fd);
	kill(getpid(), SIGUSR1);
	take(fd, 8);
	// Ignored, but blocked.
	signal(SIGUSR1, SIG_IGN);
	kill(getpid(), SIGUSR1);
	take(fd, 1);
	kill(getpid(), SIGUSR1);
	signal(SIGUSR1, SIG_IGN);
	R(ready(fd, 0));
	take(fd, 1);
	signal(SIGUSR1, SIG_DFL);
	CASE("a signalfd within epoll", "signalfd4 epoll_wait");
	// epoll, level and edge.
	int ep = epoll_create1(0);
	struct epoll_event e = {EPOLLIN, {.u32 = 1}}, got;
	R(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	R(epoll_wait(ep, &got, 1, 0));
	kill(getpid(), SIGUSR1);
	R(epoll_wait(ep, &got, 1, 1000));
	printf("%x\n", got.events);
	R(epoll_wait(ep, &got, 1, 0));
	e.events = EPOLLIN | EPOLLET;
	R(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e));
	R(epoll_wait(ep, &got, 1, 0));
	R(epoll_wait(ep, &got, 1, 0));
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 1});
	R(epoll_wait(ep, &got, 1, 0));
	take(fd, 8);
	R(epoll_wait(ep, &got, 1, 0));
	CASE("a signalfd tells of the reader, not of who made it", "signalfd4");
	// A read that waits, of this process and of a child that inherited the file.
	int w = signalfd(-1, &m, 0);
	pid = child();
	if (pid == 0) {
		nap(30);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	take(w, 1);
	reap("sender", pid);
	take(w, 1);
	pthread_t th;
	pthread_create(&th, NULL, sender, NULL);
	take(w, 2);
	pthread_join(th, NULL);
	pid = child();
	if (pid == 0) {
		kill(getpid(), SIGUSR1);
		take(w, 1);
		kill(getppid(), SIGUSR2);
		nap(50);
		_exit(0);
	}
	R(waitpid(pid, NULL, 0) == pid);
	take(w, 8);
	pid = child();
	if (pid == 0) {
		take(w, 1);
		_exit(0);
	}
	nap(30);
	kill(pid, SIGUSR2);
	R(waitpid(pid, NULL, 0) == pid);
	take(w, 8);
	close(fd);
	R(epoll_wait(ep, &got, 1, 0));
	return 0;
}
