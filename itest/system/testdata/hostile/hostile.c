// hostile calls every system call of a table (table.h, made from linuxabi's by the test) with one bad argument after the other: hostile
// ROWS prints what each answered; hostile random SEED N calls with nothing but bad arguments and prints only that it is still alive.
// Each row has a process of its own, which writes what it got into shared memory, and is woken when a call sleeps.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct row {
	int nr;
	const char *name, *kinds;
	long base[6]; // of an argument where 0 would be of no use
};

static const struct row table[] = {
#include "table.h"
};

enum { rows = sizeof table / sizeof *table };

#define PAGE 4096L
// Where things lie: far from anything else, and the same everywhere.
#define ARENA 0x10000000000L
#define RW (ARENA + PAGE) // two pages, then nothing
#define RO (ARENA + 8 * PAGE)
#define NONE (ARENA + 12 * PAGE)
#define CODE (ARENA + 16 * PAGE) // the strings

// Descriptors, each put back before every call.
enum { FILE_FD = 10, PIPE_FD, DIR_FD, PATH_FD, EPOLL_FD, EVENT_FD, NULL_FD, RDONLY_FD, kinds_of_fd, SAVED = 40, CLOSED_FD = 900 };

// result is one call.
struct result {
	int arg;
	long value, got;
	const char *what;
};

// report is what a row's process tells its parent.
static struct report {
	volatile long calls; // begun
	volatile int n;
	struct result r[400];
} *report;

struct value {
	long v;
	const char *what;
};

static const struct value fds[] = {
	{-1, "-1"}, {CLOSED_FD, "closed"}, {0x7fffffff, "2^31-1"}, {-100, "AT_FDCWD"}, {PIPE_FD, "pipe"}, {DIR_FD, "directory"},
	{PATH_FD, "O_PATH"}, {EPOLL_FD, "epoll"}, {EVENT_FD, "eventfd"}, {NULL_FD, "/dev/null"}, {RDONLY_FD, "read-only file"}, {0, 0}};
static const struct value pointers[] = {
	{0, "NULL"}, {ARENA + 40 * PAGE, "unmapped"}, {-PAGE, "kernel"}, {0x4000000000000000, "not canonical"}, {RO, "read-only"},
	{NONE, "PROT_NONE"}, {RW + 2 * PAGE - 2, "end of a page"}, {RW + 1, "unaligned"}, {0, 0}};
static const struct value strings[] = {
	{0, "NULL"}, {ARENA + 40 * PAGE, "unmapped"}, {-PAGE, "kernel"}, {CODE, "empty"}, {CODE + 16, "absent"}, {CODE + 32, "f/"}, {CODE + 64, "256 bytes"},
	{CODE + 1024, "5000 bytes"}, {CODE + 3 * PAGE - 3, "no end"}, {CODE + 48, "/"}, {0, 0}};
static const struct value lengths[] = {{0, "0"}, {-1, "-1"}, {1L << 40, "2^40"}, {1L << 31, "2^31"}, {3, "3"}, {0, 0}};
static const struct value numbers[] = {{-1, "-1"}, {-0x80000000L, "-2^31"}, {0x7fffffff, "2^31-1"}, {99999, "99999"}, {0, 0}};
static const struct value bits[] = {{-1, "-1"}, {1L << 31, "2^31"}, {0x7fffff00, "2^31-256"}, {0, 0}};

static const struct value *hostile(char kind) {
	switch (kind) {
	case 'f':
		return fds;
	case 'p':
		return pointers;
	case 's':
		return strings;
	case 'n':
		return lengths;
	case 'd':
		return numbers;
	}
	return bits;
}

static long good(char kind) {
	switch (kind) {
	case 'f':
		return FILE_FD;
	case 'p':
		return RW;
	case 's':
		return CODE + 8; // "f"
	case 'n':
		return 8;
	}
	return 0;
}

static long call(int nr, const long *a) {
	long r;
	register long r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
	__asm__ volatile("syscall" : "=a"(r) : "a"((long)nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return r;
}

static int null;

static void woken(int s) {}

// arena maps the memory that calls are given.
static void arena(void) {
	munmap((void *)ARENA, 64 * PAGE);
	mmap((void *)RW, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mmap((void *)RO, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mmap((void *)NONE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	char *s = mmap((void *)CODE, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	strcpy(s + 8, "f");
	strcpy(s + 16, "absent/x");
	strcpy(s + 32, "f/");
	strcpy(s + 48, "/");
	memset(s + 64, 'n', 256);
	memset(s + 1024, '/', 5000);
	memset(s + 3 * PAGE - 3, 'e', 3);
}

// restore puts back what a call of the row may have changed.
static void restore(const struct row *r) {
	static const char *const memory[] = {"mmap", "munmap", "mprotect", "mremap", "madvise", "brk"};
	for (int fd = FILE_FD; fd < kinds_of_fd; fd++)
		dup2(fd + SAVED, fd);
	if (access("f", F_OK) < 0)
		close(open("f", O_CREAT | O_RDWR, 0644));
	for (unsigned i = 0; i < sizeof memory / sizeof *memory; i++)
		if (strcmp(r->name, memory[i]) == 0)
			arena();
	memset((void *)RW, 0, 2 * PAGE);
}

static void prepare(void) {
	int p[2], fd = open("f", O_CREAT | O_RDWR, 0644);
	if (write(fd, "0123456789abcdef", 16) != 16)
		exit(9);
	if (pipe(p) < 0)
		exit(9);
	int list[] = {fd, p[0], open(".", O_RDONLY), open("f", O_PATH), epoll_create1(0), eventfd(0, 0), null, open("f", O_RDONLY)};
	for (int i = 0; i < kinds_of_fd - FILE_FD; i++)
		dup2(list[i], FILE_FD + SAVED + i);
	for (int i = 3; i < FILE_FD; i++)
		close(i);
	arena();
	struct sigaction sa = {.sa_handler = woken};
	sigaction(SIGUSR2, &sa, NULL);
}

// one makes a call. A child that it made ends at once.
static long one(const struct row *r, const long *a) {
	static pid_t self;
	if (self == 0)
		self = getpid();
	report->calls++;
	long got = call(r->nr, a);
	if (syscall(SYS_getpid) != self)
		syscall(SYS_exit_group, 0);
	return got;
}

static void try(const struct row *r, int arg, struct value v) {
	long a[6] = {0};
	for (int i = 0; r->kinds[i]; i++)
		a[i] = r->base[i] ? r->base[i] : r->kinds[i] == 'f' && r->kinds[i + 1] == 's' ? AT_FDCWD : good(r->kinds[i]);
	if (arg >= 0)
		a[arg] = v.v;
	restore(r);
	long got = one(r, a);
	report->r[report->n] = (struct result){arg, v.v, got, v.what};
	report->n++;
}

static void each(const struct row *r) {
	prepare();
	try(r, -1, (struct value){0, "good"});
	for (int i = 0; r->kinds[i]; i++)
		for (const struct value *v = hostile(r->kinds[i]); v->what; v++)
			try(r, i, *v);
}

// wake waits for a child, and sends a signal whenever it makes no progress. It is its status, or -1 if nothing helped.
static int wake(pid_t pid) {
	struct timespec t = {0, 2000000};
	long seen = -1;
	int still = 0, s;
	for (;;) {
		if (waitpid(pid, &s, WNOHANG) == pid)
			return s;
		still = report->calls == seen ? still + 1 : 0;
		seen = report->calls;
		if (seen > 0 && still > 25 && still % 25 == 0) // it has made its handler
			kill(pid, SIGUSR2);
		if (still > 4000) {
			kill(pid, SIGKILL);
			waitpid(pid, &s, 0);
			return -1;
		}
		nanosleep(&t, NULL);
	}
}

static void print(const struct row *r, int status) {
	for (int i = 0; i < report->n; i++) {
		struct result *x = &report->r[i];
		printf("%s %d %s: %s\n", r->name, x->arg + 1, x->what, x->got < 0 && x->got > -4096 ? strerrorname_np(-x->got) ?: "a code that is no errno" : "ok");
	}
	if (status == -1)
		printf("%s: hangs in call %d\n", r->name, report->n);
	else if (status != 0)
		printf("%s: ended with %x in call %d\n", r->name, status, report->n);
}

static unsigned long seed;

static unsigned rnd(unsigned n) {
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (seed >> 33) % n;
}

// random calls a row with nothing but bad arguments.
static void randomly(const struct row *r, int n) {
	prepare();
	for (int k = 0; k < n; k++) {
		long a[6];
		for (int i = 0; i < 6; i++) {
			const struct value *v = hostile(i < (int)strlen(r->kinds) ? r->kinds[i] : 'x');
			int m = 0;
			while (v[m].what)
				m++;
			a[i] = rnd(4) ? v[rnd(m)].v : good(i < (int)strlen(r->kinds) ? r->kinds[i] : 'x');
		}
		restore(r);
		one(r, a);
	}
}

int main(int argc, char **argv) {
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	// Where there are namespaces, what follows must not reach the machine.
	if (unshare(CLONE_NEWNS | CLONE_NEWUTS) == 0)
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	// A null device of the program's own: its mode and owner are changed.
	if (mknod("null", S_IFCHR | 0666, makedev(1, 3)) < 0 || (null = open("null", O_RDWR)) < 0 || dup2(null, 0) < 0) {
		perror("null");
		return 1;
	}
	if (chroot(".") < 0) // paths are as long on every machine, and / is not the machine's
		return 1;
	report = mmap((void *)(ARENA * 3), sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	int random = argc == 4 && strcmp(argv[1], "random") == 0;
	long made = 0;
	for (int i = 0; i < rows; i++) {
		if (!random && argc > 1 && strcmp(argv[1], table[i].name) != 0)
			continue;
		char dir[40];
		snprintf(dir, sizeof dir, "row-%d", i);
		mkdir(dir, 0755);
		memset(report, 0, sizeof *report);
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0) {
			if (chdir(dir) < 0)
				_exit(8);
			if (random) {
				seed = atol(argv[2]) + i;
				randomly(&table[i], atoi(argv[3]));
			} else
				each(&table[i]);
			syscall(SYS_exit_group, 0);
		}
		int status = wake(pid);
		made += report->calls;
		if (!random)
			print(&table[i], status);
		else if (status == -1)
			printf("%s: hangs in call %ld of seed %s\n", table[i].name, report->calls, argv[2]);
	}
	printf("alive\n");
	fprintf(stderr, "%ld calls\n", made);
	return 0;
}
