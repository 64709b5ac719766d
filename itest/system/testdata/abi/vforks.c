/* covers: vfork */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int handled, shared;
static void on(int s) { handled++; }

/* A signal that comes while a vfork child runs waits until the parent goes on: both share one stack. */
int main(void)
{
	signal(SIGUSR1, on);
	for (int i = 0; i < 3; i++) {
		pid_t pid = vfork();
		if (pid == 0) {
			kill(getppid(), SIGUSR1);
			for (int n = 0; n < 20; n++)
				usleep(1000);
			shared += 1 + (handled == i);
			_exit(5);
		}
		int st;
		pid_t got;
		do
			got = waitpid(pid, &st, 0);
		while (got < 0);
		printf("round %d: handled %d, shared %d, status %d, same %d\n", i, handled, shared, WEXITSTATUS(st), got == pid);
	}
	return 0;
}
