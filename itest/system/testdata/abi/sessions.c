#include "abi.h"
#include <pthread.h>
#include <sys/ioctl.h>

static void *group_of_a_thread(void *unused) {
	R(setpgid(gettid(), 0));
	R(setpgid(gettid(), getpgrp()));
	return NULL;
}

int main(void) {
	CASE("groups and sessions", "getpgid getpgrp getsid setpgid setsid");
	R(getpgid(0) == getpgrp());
	R(getpgid(99999));
	R(getsid(0) == getsid(getpid()));
	R(getsid(99999));
	R(setpgid(0, -1));
	R(setpgid(99999, 0));
	R(setpgid(-5, 0));
	R(setpgid(-5, 3));
	R(setpgid(99999, -1));
	pthread_t other;
	pthread_create(&other, NULL, group_of_a_thread, NULL);
	pthread_join(other, NULL);
	pid_t pid = child();
	if (pid == 0) {
		R(setpgid(0, 0));
		R(getpgrp() == getpid());
		R(setpgid(0, 99999));
		R(setpgid(getppid(), 0));
		R(setsid()); // a leader of a group cannot
		pid_t g = child();
		if (g == 0) {
			R(getpgrp() == getppid());
			R(setsid() == getpid());
			R(getsid(0) == getpid());
			R(getpgrp() == getpid());
			R(setpgid(0, 0));
			R(open("/dev/tty", O_RDWR));
			fflush(stdout);
			_exit(1);
		}
		reap("session", g);
		fflush(stdout);
		_exit(2);
	}
	reap("group", pid);

	CASE("a signal reaches a whole group", "kill");
	// A signal to a group.
	int p[2];
	pipe(p);
	pid = child();
	if (pid == 0) {
		setpgid(0, 0);
		for (int i = 0; i < 3; i++)
			if (fork() == 0) {
				write(p[1], "r", 1);
				for (;;)
					pause();
			}
		write(p[1], "r", 1);
		int s, n = 0;
		signal(SIGTERM, SIG_IGN);
		write(p[1], "r", 1);
		while (n < 3 && wait(&s) > 0)
			n += WIFSIGNALED(s) && WTERMSIG(s) == SIGTERM;
		_exit(n);
	}
	char c;
	for (int i = 0; i < 5; i++)
		read(p[0], &c, 1);
	R(kill(-pid, SIGTERM));
	reap("killpg", pid);
	R(kill(-pid, 0));

	CASE("waiting by group; a child that has executed", "wait4 setpgid");
	// waitpid by group, and a child that has executed.
	pid = child();
	if (pid == 0) {
		setpgid(0, 0);
		_exit(8);
	}
	int s;
	setpgid(pid, pid);
	R(waitpid(0, &s, WNOHANG));
	R(waitpid(-pid, &s, 0) == pid);
	R(WEXITSTATUS(s));
	int executed[2];
	pipe2(executed, O_CLOEXEC);
	pid = child();
	if (pid == 0) {
		execl("/bin/busybox", "busybox", "sleep", "100", NULL);
		_exit(0);
	}
	close(executed[1]);
	read(executed[0], &c, 1);
	close(executed[0]);
	R(setpgid(pid, pid));
	kill(pid, SIGKILL);
	waitpid(pid, &s, 0);

	CASE("users, groups and what root alone may", "getuid geteuid getgid getegid getresuid setreuid setgroups getgroups setresuid setuid setgid");
	R(getuid() + geteuid() + getgid() + getegid());
	R(setreuid(-1, -1));
	uid_t a, b, d;
	R(getresuid(&a, &b, &d));
	pid = child();
	if (pid == 0) {
		gid_t groups[3] = {5, 6, 7}, got[10];
		R(setgroups(3, groups));
		R(getgroups(10, got));
		R(got[0] * 100 + got[2]);
		R(getgroups(1, got));
		R(getgroups(0, NULL));
		R(setresuid(1, 2, 3));
		R(getresuid(&a, &b, &d));
		R(a * 100 + b * 10 + d);
		R(seteuid(3));
		R(geteuid());
		R(setreuid(2, 2));
		R(setresuid(3, 3, 3));
		R(setuid(0));
		R(setgroups(0, NULL));
		R(setgid(0));
		R(setgid(77));
		R(kill(1, 0));
		R(sethostname("x", 1));
		fflush(stdout);
		_exit(0);
	}
	reap("ids", pid);
	return 0;
}

int setgroups(size_t, const gid_t *);
