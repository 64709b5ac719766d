// The main stack: how far it grows, and what is seen of it (getrlimit(2), mmap(2), proc(5)).
#include "abi.h"
#include <sys/mman.h>
#include <sys/resource.h>

#define KIB 1024UL
#define MIB (1024 * KIB)

static volatile unsigned long *reached; // shared with children: how far the stack came, bytes
static char *top;

static void __attribute__((noinline)) deeper(unsigned long until) {
	volatile char frame[4096];
	frame[0] = 1;
	*reached = top - (char *)frame;
	if (*reached < until)
		deeper(until);
	frame[1] = 2;
}

// grows has a child set the soft limit and use all that it gets: the machine ends it at the limit, give or take the environment.
static void grows(const char *what, unsigned long soft) {
	*reached = 0;
	pid_t pid = child();
	if (pid == 0) {
		struct rlimit l;
		getrlimit(RLIMIT_STACK, &l);
		l.rlim_cur = soft;
		if (setrlimit(RLIMIT_STACK, &l))
			_exit(1);
		deeper(-1UL);
	}
	reap(what, pid);
	unsigned long most = soft < 132 * KIB ? 132 * KIB : soft;
	R(*reached <= most && *reached > most - 48 * KIB);
}

static void limits(void) {
	CASE("the stack grows to RLIMIT_STACK as it is, and no further", "setrlimit");
	grows("half a MiB", 512 * KIB);
	grows("3 MiB", 3 * MIB);
	grows("more than at first", 20 * MIB);
	grows("less than it has", 4 * KIB);
	grows("none", 0);
}

// held uses n bytes of the stack and holds them while f runs, in this process or a child.
static void __attribute__((noinline)) held(unsigned long n, void (*f)(void)) {
	volatile char room[n];
	for (unsigned long i = 0; i < n; i += 1024)
		room[i] = i >> 10;
	f();
	int wrong = 0;
	for (unsigned long i = 0; i < n; i += 1024)
		wrong += room[i] != (char)(i >> 10);
	R(wrong);
}

static void lower(void) {
	struct rlimit l;
	getrlimit(RLIMIT_STACK, &l);
	l.rlim_cur = 256 * KIB;
	R(setrlimit(RLIMIT_STACK, &l));
}

static void lowerInChild(void) {
	fflush(stdout);
	pid_t pid = vfork();
	if (pid == 0) {
		struct rlimit l = {256 * KIB, RLIM_INFINITY};
		setrlimit(RLIMIT_STACK, &l);
		_exit(0);
	}
	reap("vfork", pid);
	*reached = 0;
	deeper(6 * MIB); // this process's limit is what it was
	R(*reached >= 6 * MIB);
}

static void lowered(void) {
	CASE("what the stack has come to stays when the limit goes below it", "setrlimit fork vfork");
	pid_t pid = child();
	if (pid == 0) {
		deeper(3 * MIB);
		held(2 * MIB, lower);
		deeper(3 * MIB); // it had grown so far
		R(*reached >= 3 * MIB);
		deeper(4 * MIB);
		_exit(9);
	}
	reap("lowered", pid);
	pid = child();
	if (pid == 0) {
		held(2 * MIB, lowerInChild);
		_exit(7);
	}
	reap("a child's limit", pid);
	pid = child();
	if (pid == 0) {
		for (;;)
			pause();
	}
	struct rlimit l = {1 * MIB, RLIM_INFINITY}, old;
	R(prlimit(pid, RLIMIT_STACK, &l, &old));
	R(old.rlim_cur);
	kill(pid, SIGKILL);
	reap("another's", pid);
}

// stackSeen is the size of what is called [stack] in /proc/self/maps, KiB, and how many there are.
static unsigned long stackSeen(int *how) {
	char line[512];
	unsigned long from, to, n = 0;
	*how = 0;
	FILE *f = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof line, f))
		if (strstr(line, "[stack]") && sscanf(line, "%lx-%lx", &from, &to) == 2) {
			n += (to - from) / KIB;
			++*how;
		}
	fclose(f);
	return n;
}

static unsigned long status(const char *field) {
	char line[512];
	unsigned long n = 0;
	FILE *f = fopen("/proc/self/status", "r");
	while (fgets(line, sizeof line, f))
		if (strncmp(line, field, strlen(field)) == 0)
			sscanf(line + strlen(field), ": %lu", &n);
	fclose(f);
	return n;
}

static void seen(void) {
	CASE("of the stack is seen what it has come to use", "read");
	pid_t pid = child();
	if (pid == 0) {
		int how;
		unsigned long n = stackSeen(&how), vm = status("VmSize");
		R(n >= 100 && n < 300);
		R(how);
		R(status("VmStk") == n);
		R(vm < 8 * KIB);
		deeper(2 * MIB);
		unsigned long more = stackSeen(&how);
		R(more >= 2 * KIB && more < 2 * KIB + 64);
		R(how);
		R(status("VmStk") == more);
		R(status("VmSize") - vm == more - n);
		R(mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0) != MAP_FAILED);
		R(stackSeen(&how) == more); // that is another one
		R(how);
		fflush(stdout);
		_exit(0);
	}
	reap("seen", pid);
}

static void __attribute__((noinline)) callCode(unsigned long below) {
	volatile unsigned char room[below];
	room[0] = 0xc3; // ret
	((void (*)(void))room)();
}

static void downwards(void) {
	CASE("mprotect with PROT_GROWSDOWN goes down to where the stack begins", "mprotect");
	const int page = 4096, rw = PROT_READ | PROT_WRITE, anon = MAP_PRIVATE | MAP_ANONYMOUS, zero = open("/dev/zero", O_RDONLY);
	char *a = mmap(NULL, 4 * page, rw, anon, -1, 0), *b = mmap(NULL, 4 * page, rw, anon | MAP_GROWSDOWN, -1, 0);
	R(mprotect(a, page, PROT_READ | PROT_GROWSDOWN));
	R(mprotect(a, page, PROT_READ | PROT_GROWSUP));
	R(mprotect(a, page, PROT_READ | PROT_GROWSUP | PROT_GROWSDOWN));
	R(mprotect(b, page, PROT_READ | PROT_GROWSUP));
	R(mprotect((void *)(64L * page), page, PROT_READ | PROT_GROWSDOWN));
	R(mprotect(b + 2 * page, page, PROT_READ | PROT_GROWSDOWN));
	R(read(zero, b, 1));
	R(read(zero, b + 3 * page, 1));
	R(read(zero, a, 1));
	close(zero);
	pid_t pid = child();
	if (pid == 0) {
		callCode(50 * page);
		_exit(0);
	}
	reap("before", pid);
	pid = child();
	if (pid == 0) {
		R(mprotect((void *)((long)&pid & -page), page, rw | PROT_EXEC | PROT_GROWSDOWN));
		callCode(50 * page);
		_exit(0);
	}
	reap("after", pid);
}

int main(int argc, char **argv) {
	char c;
	top = &c;
	struct rlimit l;
	getrlimit(RLIMIT_STACK, &l);
	l.rlim_cur = 8 * MIB; // as most have it
	R(setrlimit(RLIMIT_STACK, &l));
	reached = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	limits();
	lowered();
	seen();
	downwards();
	return 0;
}
