// What the programs here share: each prints what Linux's calls answer, one line a call, with no number that differs from machine
// to machine. The test compares the lines of this Linux with Aramid's.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// R prints an expression and its value, or the name of errno if it is negative.
#define R(e) show(#e, (errno = 0, (long)(e)))

static inline void show(const char *what, long r) {
	if (r < 0 && errno != 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, r);
}

// CASE begins a case: what is shown, and the rows of the table whose effect it observes (itest/rules counts both).
#define CASE(title, rows) printf("-- %s\n", title)

// S is a raw system call.
#define S(nr, ...) R(syscall(SYS_##nr, __VA_ARGS__))

// lines makes stdout the same whether it is a terminal or a file.
__attribute__((constructor)) static void lines(void) { setvbuf(stdout, NULL, _IOLBF, 0); }

// child forks with nothing left in stdout's buffer.
static inline pid_t child(void) {
	fflush(stdout);
	return fork();
}

// reap waits for a child and prints how it ended.
static inline void reap(const char *what, pid_t pid) {
	int s = 0;
	pid_t got = waitpid(pid, &s, 0);
	if (got != pid)
		printf("%s: wait: %s\n", what, strerrorname_np(errno));
	else if (WIFEXITED(s))
		printf("%s: exited %d\n", what, WEXITSTATUS(s));
	else if (WIFSIGNALED(s))
		printf("%s: signal %d\n", what, WTERMSIG(s));
	else
		printf("%s: status %x\n", what, s);
}

static inline void put(const char *path, const char *text) {
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		printf("put %s: %s\n", path, strerrorname_np(errno));
	close(fd);
}

static inline void nap(long ms) {
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}
