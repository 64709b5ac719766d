// load N: forks and execs, fills a pipe, makes files and epoll members, each so often as N says, whenever a line comes; says "quiet" when all of it
// is gone again, with the numbers of processes and inodes that are left.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

static char *self;

static void fail(const char *what) {
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

// forks runs batches of so many children at a time, each of which executes this program again.
static void forks(int batches, int each) {
	for (int b = 0; b < batches; b++) {
		for (int i = 0; i < each; i++) {
			pid_t p = fork();
			if (p < 0)
				fail("fork");
			if (p == 0) {
				execl(self, self, "exit", NULL);
				_exit(9);
			}
		}
		for (int i = 0, s; i < each; i++)
			if (wait(&s) < 0 || s != 7 << 8)
				fail("wait");
	}
}

static void pipes(long mib) {
	int p[2];
	static char b[65536];
	if (pipe(p) < 0)
		fail("pipe");
	pid_t pid = fork();
	if (pid == 0) {
		close(p[0]);
		for (long n = 0; n < mib << 20;) {
			long got = write(p[1], b, sizeof b);
			if (got <= 0)
				_exit(1);
			n += got;
		}
		_exit(0);
	}
	close(p[1]);
	long n = 0, got;
	while ((got = read(p[0], b, sizeof b)) > 0)
		n += got;
	close(p[0]);
	int s;
	if (n != mib << 20 || waitpid(pid, &s, 0) != pid || s != 0)
		fail("bytes through a pipe");
}

static void files(int n) {
	char name[40];
	for (int i = 0; i < n; i++) {
		sprintf(name, "/tmp/file-%d", i);
		int fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
		if (fd < 0 || write(fd, name, 10) != 10)
			fail(name);
		close(fd);
	}
	for (int i = 0; i < n; i++) {
		sprintf(name, "/tmp/file-%d", i);
		if (unlink(name) < 0)
			fail(name);
	}
}

static void members(int n) {
	struct rlimit r = {n + 100, n + 100};
	setrlimit(RLIMIT_NOFILE, &r);
	int ep = epoll_create1(0), first = -1;
	for (int i = 0; i < n; i++) {
		int fd = eventfd(i == n / 2, 0);
		struct epoll_event e = {EPOLLIN, {.u64 = fd}};
		if (fd < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) < 0)
			fail("epoll member");
		if (i == n / 2)
			first = fd;
	}
	struct epoll_event e[4];
	if (epoll_wait(ep, e, 4, 1000) != 1 || e[0].data.u64 != first)
		fail("epoll_wait");
	for (int fd = 3; fd < n + 10; fd++)
		close(fd);
}

static void quiet(void) {
	DIR *d = opendir("/proc");
	int processes = 0;
	for (struct dirent *e; (e = readdir(d));)
		processes += e->d_name[0] >= '0' && e->d_name[0] <= '9';
	closedir(d);
	struct statfs s;
	statfs("/tmp", &s);
	printf("quiet: %d processes, %ld inodes\n", processes, (long)(s.f_files - s.f_ffree));
	fflush(stdout);
}

int main(int argc, char **argv) {
	self = argv[0];
	if (strcmp(argv[1], "exit") == 0)
		return 7;
	int n = atoi(argv[1]);
	forks(1, 5); // whatever is made once
	pipes(1);
	files(10);
	members(10);
	quiet();
	char line[100];
	while (fgets(line, sizeof line, stdin)) {
		forks(n == 1 ? 20 : 50, n == 1 ? 50 : 500);
		pipes(16L * n);
		files(1000 * n > 10000 ? 10000 : 1000 * n);
		members(1000);
		quiet();
	}
	return 42;
}
