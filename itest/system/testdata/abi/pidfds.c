#include "abi.h"
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#define PIDFD_NONBLOCK O_NONBLOCK

static int pidfd(pid_t p, int flags) { return syscall(SYS_pidfd_open, p, flags); }
static int tell(int fd, int sig, void *info, int flags) { return syscall(SYS_pidfd_send_signal, fd, sig, info, flags); }

static int ready(int fd, int timeout) {
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};
	poll(&p, 1, timeout);
	return p.revents;
}

static void waited(const char *what, int fd, int options) {
	siginfo_t i = {0};
	errno = 0;
	int r = waitid(P_PIDFD, fd, &i, options);
	printf("%s: %s, code %d status %d %s\n", what, r < 0 ? strerrorname_np(errno) : "0", i.si_code, i.si_status, i.si_pid ? "a child" : "none");
}

int main(void) {
	CASE("a pidfd is made, polled and waited for", "pidfd_open waitid poll");
	R(pidfd(0, 0));
	R(pidfd(-1, 0));
	R(pidfd(getpid(), 1));
	R(pidfd(4000000, 0));
	int me = pidfd(getpid(), 0);
	R(fcntl(me, F_GETFD));
	R(fcntl(me, F_GETFL));
	char name[64], link[64] = "", b[16];
	sprintf(name, "/proc/self/fd/%d", me);
	R(readlink(name, link, sizeof link - 1));
	puts(link);
	R(ready(me, 0));
	R(read(me, b, 8));
	R(write(me, b, 8));
	int go[2];
	pipe(go);
	pid_t pid = child();
	if (pid == 0) {
		close(go[1]);
		read(go[0], b, 1); // until the parent has looked
		_exit(5);
	}
	int fd = pidfd(pid, 0), nb = pidfd(pid, PIDFD_NONBLOCK);
	R(fcntl(nb, F_GETFL));
	R(ready(fd, 0));
	waited("too early", fd, WEXITED | WNOHANG);
	waited("too early, of a non-blocking one", nb, WEXITED);
	int ep = epoll_create1(0);
	struct epoll_event e = {EPOLLIN, {.u32 = 1}}, got;
	R(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	close(go[1]);
	R(epoll_wait(ep, &got, 1, 5000));
	printf("%x\n", got.events);
	R(ready(fd, 0));
	int late = pidfd(pid, 0);
	R(ready(late, 0));
	R(tell(fd, 0, NULL, 0));
	waited("looked at", fd, WEXITED | WNOWAIT);
	waited("taken", fd, WEXITED);
	waited("again", fd, WEXITED);
	waited("not a pidfd", 1, WEXITED);
	waited("not open", 99, WEXITED);
	waited("negative", -1, WEXITED);
	waited("no child", me, WEXITED);
	R(tell(fd, 0, NULL, 0));
	R(ready(fd, 0) & POLLIN);
	R(pidfd(pid, 0));
	close(fd), close(nb), close(late);

	CASE("signals through a pidfd", "pidfd_send_signal");
	pid = child();
	if (pid == 0) {
		pause();
		_exit(1);
	}
	fd = pidfd(pid, 0);
	R(tell(fd, 0, NULL, 0));
	R(tell(fd, 99, NULL, 0));
	R(tell(fd, SIGTERM, NULL, 64));
	R(tell(1, SIGTERM, NULL, 0));
	R(tell(99, SIGTERM, NULL, 0));
	siginfo_t si = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
	R(tell(fd, SIGTERM, &si, 0));
	R(tell(fd, SIGTERM, (void *)8, 0));
	si = (siginfo_t){.si_signo = SIGTERM, .si_code = SI_USER};
	R(tell(fd, SIGTERM, &si, 0));
	R(tell(fd, SIGTERM, NULL, 0));
	waited("killed", fd, WEXITED);
	close(fd);
	sigset_t m;
	sigemptyset(&m);
	sigaddset(&m, SIGUSR1);
	sigprocmask(SIG_BLOCK, &m, NULL);
	si = (siginfo_t){.si_signo = SIGUSR1, .si_code = SI_QUEUE};
	si.si_value.sival_int = 77;
	R(tell(me, SIGUSR1, &si, 0));
	siginfo_t i;
	R(sigtimedwait(&m, &i, &(struct timespec){0, 0}));
	printf("%d %d\n", i.si_code, i.si_value.sival_int);
	R(tell(me, SIGUSR1, NULL, 0));
	R(sigtimedwait(&m, &i, &(struct timespec){0, 0}));
	printf("%d %d\n", i.si_code, i.si_pid == getpid());

	CASE("CLONE_PIDFD gives the parent a descriptor of its child", "pidfd_open clone clone3");
	int p = -1, looked[2];
	pipe(looked);
	fflush(stdout);
	pid = syscall(SYS_clone, SIGCHLD | CLONE_PIDFD, NULL, &p, NULL, 0);
	if (pid == 0) {
		close(looked[1]);
		read(looked[0], b, 1); // until the parent has looked
		_exit(fcntl(p >= 0 ? p : 50, F_GETFD) < 0 ? 7 : 8);
	}
	R(p > 2);
	R(fcntl(p, F_GETFD));
	R(ready(p, 0));
	close(looked[0]);
	close(looked[1]);
	waited("clone", p, WEXITED);
	close(p);
	p = -1;
	pid_t parent = 0;
	struct clone_args a = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .pidfd = (long)&p, .parent_tid = (long)&parent, .exit_signal = SIGCHLD};
	fflush(stdout);
	pid = syscall(SYS_clone3, &a, sizeof a);
	if (pid == 0)
		_exit(9);
	R(parent == pid);
	waited("clone3", p, WEXITED);
	close(p);
	a.flags = CLONE_PIDFD | CLONE_VFORK;
	fflush(stdout);
	pid = syscall(SYS_clone3, &a, sizeof a);
	if (pid == 0) {
		nap(20);
		_exit(10);
	}
	R(ready(p, 1000));
	waited("with vfork", p, WEXITED);
	close(p);
	R(syscall(SYS_clone, SIGCHLD | CLONE_PIDFD | CLONE_PARENT_SETTID, NULL, &p, NULL, 0));
	R(syscall(SYS_clone, SIGCHLD | CLONE_PIDFD, NULL, 8, NULL, 0));
	a.flags = CLONE_PIDFD | CLONE_PARENT_SETTID;
	a.parent_tid = a.pidfd;
	R(syscall(SYS_clone3, &a, sizeof a));
	struct rlimit r = {4, 1000};
	int f = dup(0);
	r.rlim_cur = f;
	close(f);
	setrlimit(RLIMIT_NOFILE, &r);
	for (;;)
		if (dup(0) < 0)
			break;
	R(syscall(SYS_clone, SIGCHLD | CLONE_PIDFD, NULL, &p, NULL, 0));
	R(waitpid(-1, NULL, 0));
	r.rlim_cur = 1000;
	setrlimit(RLIMIT_NOFILE, &r);

	CASE("a descriptor of another process", "pidfd_getfd");
	int q[2];
	pid = child();
	if (pid == 0) {
		f = open("shared", O_CREAT | O_RDWR, 0600);
		write(f, "hello", 5);
		dup2(f, 60);
		pause();
	}
	fd = pidfd(pid, 0);
	while ((f = syscall(SYS_pidfd_getfd, fd, 60, 0)) < 0)
		nap(10);
	R(fcntl(f, F_GETFD));
	R(lseek(f, 0, SEEK_CUR));
	R(pread(f, b, 5, 0));
	R(syscall(SYS_pidfd_getfd, fd, 61, 0));
	R(syscall(SYS_pidfd_getfd, fd, 60, 1));
	R(syscall(SYS_pidfd_getfd, 1, 60, 0));
	R(syscall(SYS_pidfd_getfd, 99, 60, 0));
	kill(pid, SIGKILL);
	waited("killed", fd, WEXITED);
	R(syscall(SYS_pidfd_getfd, fd, 60, 0));
	return 0;
}
