// personality(2): programs that lie at the same addresses each time, and ones that are told of another machine; setns(2) into uts namespaces.
#include "abi.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/utsname.h>

// addresses prints where things lie in this program.
static int addresses(void) {
	int local;
	void *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	printf("%p %p %p %p\n", (void *)&local, sbrk(0), map, (void *)addresses);
	return 0;
}

// shown is what a run of this program prints of its addresses.
static char *shown(const char *self, char *text) {
	int p[2];
	pipe(p);
	pid_t pid = child();
	if (pid == 0) {
		dup2(p[1], 1);
		execl(self, "self", "addresses", NULL);
		_exit(9);
	}
	close(p[1]);
	int n = 0, got;
	while ((got = read(p[0], text + n, 199 - n)) > 0)
		n += got;
	text[n] = 0;
	close(p[0]);
	waitpid(pid, NULL, 0);
	return text;
}

static void persona(void) {
	char text[100];
	int fd = open("/proc/self/personality", O_RDONLY);
	int n = read(fd, text, 99);
	text[n > 0 ? n : 0] = 0;
	close(fd);
	printf("personality %s", text);
}

static void fixed(const char *self) {
	CASE("ADDR_NO_RANDOMIZE is inherited, and programs then lie at the same addresses", "personality fork execve");
	char a[200], b[200];
	R(personality(0xffffffff));
	R(strcmp(shown(self, a), shown(self, b)) != 0);
	R(personality(ADDR_NO_RANDOMIZE));
	R(personality(0xffffffff) == ADDR_NO_RANDOMIZE);
	persona();
	R(strcmp(shown(self, a), shown(self, b)));
	unsigned long stack, heap, map, code;
	R(sscanf(a, "%lx %lx %lx %lx", &stack, &heap, &map, &code));
	R(0x7ffffffff000 - stack < 1 << 20);                // the stack is where user space ends,
	R(map < 0x7ffff7fff000 && map > 0x7ffff7000000);    // mappings end 128 MiB below,
	R(heap > code && heap - code < 1 << 21);            // and the heap is where the program ends
	pid_t pid = child();
	if (pid == 0)
		_exit(personality(0xffffffff) != ADDR_NO_RANDOMIZE);
	reap("a child has it", pid);
	R(personality(0) == ADDR_NO_RANDOMIZE);
	R(strcmp(shown(self, a), shown(self, b)) != 0);
	persona();
}

static void machine(void) {
	CASE("PER_LINUX32 is told of another machine", "personality uname");
	struct utsname u;
	R(personality(PER_LINUX32));
	uname(&u);
	printf("%s %s\n", u.sysname, u.machine);
	R(personality(PER_LINUX));
	uname(&u);
	printf("%s\n", u.machine);
}

static void joined(void) {
	CASE("setns into the uts namespace of a process", "setns unshare sethostname");
	int go[2], done[2];
	char c;
	pipe(go);
	pipe(done);
	pid_t pid = child();
	if (pid == 0) {
		unshare(CLONE_NEWUTS);
		sethostname("theirs", 6);
		write(done[1], "", 1);
		read(go[0], &c, 1);
		struct utsname u;
		uname(&u);
		_exit(strcmp(u.nodename, "ours"));
	}
	read(done[0], &c, 1);
	int fd = syscall(SYS_pidfd_open, pid, 0);
	pid_t in = child();
	if (in == 0) {
		struct utsname u;
		R(setns(fd, 0));
		R(setns(fd, CLONE_NEWUTS));
		uname(&u);
		printf("%s\n", u.nodename);
		R(sethostname("ours", 4));
		_exit(0);
	}
	reap("who joined", in);
	in = child();
	if (in == 0) {
		setuid(1000);
		R(setns(fd, CLONE_NEWUTS));
		_exit(0);
	}
	reap("who may not", in);
	write(go[1], "", 1);
	reap("who was there", pid);
	R(setns(fd, CLONE_NEWUTS));
}

int main(int argc, char **argv) {
	if (argc > 1)
		return addresses();
	fixed(argv[0]);
	machine();
	joined();
	return 0;
}
