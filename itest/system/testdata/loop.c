/* Loops over write, mmap, fork and wait, as the restart test wants it: whatever is killed below it, each round prints one line and
 * the exit status is 42. Any wrong result ends it with status 1 and a line that says what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void map(int round)
{
	size_t len = 64 << 10;
	unsigned char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		fail("mmap");
	for (size_t i = 0; i < len; i++)
		if (p[i] != 0) {
			fprintf(stderr, "round %d: byte %zu of fresh memory is %d\n", round, i, p[i]);
			exit(1);
		}
	memset(p, round, len);
	if (munmap(p, len) != 0)
		fail("munmap");
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 100;
	for (int i = 0; i < rounds; i++) {
		char line[64];
		int n = snprintf(line, sizeof line, "round %d\n", i);
		if (write(1, line, n) != n)
			fail("write");
		map(i);
		pid_t pid = fork();
		if (pid < 0)
			fail("fork");
		if (pid == 0) {
			map(i + 1);
			_exit(i % 100);
		}
		int status;
		if (waitpid(pid, &status, 0) != pid)
			fail("waitpid");
		if (!WIFEXITED(status) || WEXITSTATUS(status) != i % 100) {
			fprintf(stderr, "round %d: child status %#x\n", i, status);
			return 1;
		}
	}
	return 42;
}
