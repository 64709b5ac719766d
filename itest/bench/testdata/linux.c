/* Measures what programs ask of a kernel, in guest instructions: under -icount shift=0 the time-stamp counter counts one per instruction. The same
 * program runs on Linux and on Aramid. Prints "figure NAME MEDIAN MIN SAMPLES" lines, and "missing NAME: WHY" where a call does not work. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES = 31, PAGE = 4096, PAGES = 64, BIG = 65536 };

#define FILE_PATH "/tmp/file"
#define NEW_PATH "/tmp/new"

static const char *self;
static int fds[2], back[2], zero, file, event, epoll_fd;
static char buffer[BIG];

static inline uint64_t now(void)
{
	uint32_t lo, hi;
	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return (uint64_t)hi << 32 | lo;
}

/* A row's operation says whether it worked. */
static int op_getppid(void) { return syscall(SYS_getppid) >= 0; }

static int op_clock(void)
{
	struct timespec t;
	return clock_gettime(CLOCK_MONOTONIC, &t) == 0;
}

static int op_zero(void) { return read(zero, buffer, 1) == 1; }

static int op_stat(void)
{
	struct stat s;
	return stat(FILE_PATH, &s) == 0;
}

static int op_open(void)
{
	int fd = open(FILE_PATH, O_RDONLY);
	return fd >= 0 && close(fd) == 0;
}

static int op_pread_4k(void) { return pread(file, buffer, PAGE, PAGE) == PAGE; }
static int op_pread_64k(void) { return pread(file, buffer, BIG, 0) == BIG; }

static int op_create(void)
{
	int fd = open(NEW_PATH, O_CREAT | O_EXCL | O_RDWR, 0600);
	return fd >= 0 && close(fd) == 0 && unlink(NEW_PATH) == 0;
}

static int op_mmap(void)
{
	volatile char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return 0;
	for (int i = 0; i < PAGES; i++)
		p[i * PAGE] = 1;
	return munmap((void *)p, PAGES * PAGE) == 0;
}

static int op_mmap_file(void)
{
	volatile char *p = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_PRIVATE, file, 0);
	int sum = 0;
	if (p == MAP_FAILED)
		return 0;
	for (int i = 0; i < PAGES; i++)
		sum += p[i * PAGE];
	return munmap((void *)p, PAGES * PAGE) == 0 && sum == PAGES;
}

static int op_write_read(void) { return write(fds[1], buffer, 1) == 1 && read(fds[0], buffer, 1) == 1; }
static int op_ping_pong(void) { return write(fds[1], buffer, 1) == 1 && read(back[0], buffer, 1) == 1; }

static int op_epoll(void)
{
	uint64_t v = 1;
	struct epoll_event e;
	return write(event, &v, 8) == 8 && epoll_wait(epoll_fd, &e, 1, -1) == 1 && read(event, &v, 8) == 8;
}

static volatile int handled;

static void handler(int sig)
{
	(void)sig;
	handled++;
}

static int op_signal(void)
{
	int before = handled;
	return kill(getpid(), SIGUSR1) == 0 && handled == before + 1;
}

static void *thread(void *arg) { return arg; }

static int op_thread(void)
{
	pthread_t t;
	return pthread_create(&t, NULL, thread, NULL) == 0 && pthread_join(t, NULL) == 0;
}

static int ended(pid_t pid)
{
	int status;
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int op_fork(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return ended(pid);
}

static int op_exec(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		execl(self, self, "nothing", (char *)NULL);
		_exit(1);
	}
	return ended(pid);
}

/* What a row needs before it is measured. */
static int with_file(void)
{
	int fd = open(FILE_PATH, O_CREAT | O_TRUNC | O_RDWR, 0600);
	if (fd < 0)
		return 0;
	memset(buffer, 0, sizeof buffer);
	for (int i = 0; i < PAGES; i++) {
		buffer[0] = 1;
		if (write(fd, buffer, PAGE) != PAGE)
			return 0;
	}
	close(fd);
	file = open(FILE_PATH, O_RDONLY);
	return file >= 0;
}

static int with_zero(void) { return (zero = open("/dev/zero", O_RDONLY)) >= 0; }
static int with_pipe(void) { return pipe(fds) == 0; }
static int with_sockets(void) { return socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0; }

static int with_echo(void)
{
	if (pipe(fds) != 0 || pipe(back) != 0)
		return 0;
	pid_t pid = fork();
	if (pid != 0)
		return pid > 0;
	char c;
	while (read(fds[0], &c, 1) == 1 && write(back[1], &c, 1) == 1)
		;
	_exit(0);
}

static int with_epoll(void)
{
	struct epoll_event e = {.events = EPOLLIN};
	event = eventfd(0, 0);
	epoll_fd = epoll_create1(0);
	return event >= 0 && epoll_fd >= 0 && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event, &e) == 0;
}

static int with_handler(void)
{
	struct sigaction a = {.sa_handler = handler};
	return sigaction(SIGUSR1, &a, NULL) == 0;
}

static const struct row {
	const char *name;
	int (*prepare)(void);
	int (*op)(void);
	int each; /* operations per sample */
} rows[] = {
	{"getppid", NULL, op_getppid, 100},
	{"clock_gettime", NULL, op_clock, 100},
	{"read_zero", with_zero, op_zero, 50},
	{"stat", with_file, op_stat, 20},
	{"open_close", with_file, op_open, 20},
	{"pread_4k", with_file, op_pread_4k, 20},
	{"pread_64k", with_file, op_pread_64k, 10},
	{"create_unlink", with_file, op_create, 10},
	{"mmap_touch", NULL, op_mmap, 3},
	{"mmap_file_touch", with_file, op_mmap_file, 3},
	{"pipe", with_pipe, op_write_read, 20},
	{"pipe_ping_pong", with_echo, op_ping_pong, 20},
	{"unix_socketpair", with_sockets, op_write_read, 20},
	{"eventfd_epoll", with_epoll, op_epoll, 20},
	{"signal", with_handler, op_signal, 20},
	{"thread", NULL, op_thread, 3},
	{"fork", NULL, op_fork, 2},
	{"fork_exec", NULL, op_exec, 2},
};

static uint64_t t[SAMPLES];

static int order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* measure takes the samples of a row; 0: a call failed. */
static int measure(const struct row *r)
{
	for (int i = -2; i < SAMPLES; i++) {
		uint64_t start = now();
		for (int k = 0; k < r->each; k++)
			if (!r->op())
				return 0;
		if (i >= 0)
			t[i] = (now() - start) / r->each;
	}
	return 1;
}

int main(int argc, char **argv)
{
	self = argv[0];
	if (argc > 1)
		return 0; /* op_exec's child */
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		errno = 0;
		if ((r->prepare && !r->prepare()) || !measure(r)) {
			printf("missing %s: %s\n", r->name, strerror(errno));
			continue;
		}
		qsort(t, SAMPLES, sizeof t[0], order);
		printf("figure %s %llu %llu %d\n", r->name, (unsigned long long)t[SAMPLES / 2], (unsigned long long)t[0], SAMPLES);
	}
	return 0;
}
