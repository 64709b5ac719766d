// Memory ends: who has most of it is killed, whoever asked for the last page; who is exempt is not; and the others go on.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1UL << 20)

// adjust sets the caller's oom_score_adj.
static void adjust(const char *v) {
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);
	if (write(fd, v, strlen(v)) != (ssize_t)strlen(v))
		perror("oom_score_adj");
	close(fd);
}

// take touches n bytes, with something in each page.
static void take(unsigned long n) {
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned long i = 0; i < n; i += 4096)
		p[i] = 1;
}

// holder is a child that takes n bytes, says so, and waits.
static pid_t holder(const char *name, const char *adj, unsigned long n) {
	int p[2];
	char c;
	pipe(p);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, name);
		adjust(adj);
		take(n);
		write(p[1], "x", 1);
		for (;;)
			pause();
	}
	close(p[1]);
	if (read(p[0], &c, 1) != 1)
		printf("%s did not come up\n", name);
	close(p[0]);
	return pid;
}

// ended says how a child is: alive, or how it ended.
static void ended(const char *what, pid_t pid, int flags) {
	int s = 0;
	pid_t got = waitpid(pid, &s, flags);
	if (got == 0)
		printf("%s is alive\n", what);
	else if (WIFSIGNALED(s))
		printf("%s: signal %d\n", what, WTERMSIG(s));
	else
		printf("%s: exited %d\n", what, WEXITSTATUS(s));
}

int main(int argc, char **argv) {
	unsigned long machine = atol(argv[1]) * MIB;
	pid_t exempt = holder("exempt", "-1000", machine * 45 / 100);
	pid_t big = holder("big", "0", machine * 25 / 100);
	pid_t small = fork();
	if (small == 0) {
		prctl(PR_SET_NAME, "small");
		for (int i = 0; i < 4; i++) // no more than its own part at a time
			take(machine * 5 / 100);
		_exit(5);
	}
	ended("small", small, 0);
	ended("exempt", exempt, WNOHANG);
	ended("big", big, WNOHANG);
	pid_t marked = holder("marked", "500", machine * 5 / 100); // little memory, but it was asked for
	pid_t other = holder("other", "0", machine * 10 / 100);
	pid_t greedy = fork();
	if (greedy == 0) {
		prctl(PR_SET_NAME, "greedy");
		take(machine * 40 / 100);
		take(machine * 40 / 100);
		_exit(6);
	}
	ended("greedy", greedy, 0);
	ended("marked", marked, WNOHANG);
	ended("exempt", exempt, WNOHANG);
	pid_t after = holder("after", "0", machine * 10 / 100);
	ended("after", after, WNOHANG);
	kill(after, SIGKILL);
	kill(exempt, SIGKILL);
	kill(other, SIGKILL);
	return 0;
}
