// Limits of address spaces: RLIMIT_AS, RLIMIT_DATA (getrlimit(2)) and what cannot be promised (vm.overcommit_memory, proc_sys_vm(5)).
#include "abi.h"
#include <sys/mman.h>
#include <sys/resource.h>

#define MIB (1UL << 20)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void limit(int what, unsigned long soft) {
	struct rlimit l = {soft, RLIM_INFINITY};
	R(setrlimit(what, &l));
}

static long map(unsigned long n, int prot, int flags) { return mmap(NULL, n, prot, flags, -1, 0) == MAP_FAILED ? -1 : 0; }

static void space(const char *self) {
	CASE("an address space ends at RLIMIT_AS", "setrlimit mmap brk mremap");
	limit(RLIMIT_AS, 64 * MIB);
	R(map(100 * MIB, PROT_NONE, ANON));
	char *a = mmap(NULL, 40 * MIB, PROT_READ, ANON, -1, 0);
	R(a != MAP_FAILED);
	R(map(40 * MIB, RW, ANON));
	R(map(40 * MIB, RW, MAP_SHARED | MAP_ANONYMOUS));
	R(map(40 * MIB, PROT_NONE, ANON | MAP_NORESERVE));
	R(mmap(a, 40 * MIB, RW, ANON | MAP_FIXED, -1, 0) == a); // in place of what is there
	R(mremap(a, 40 * MIB, 80 * MIB, MREMAP_MAYMOVE) == MAP_FAILED);
	R(errno);
	R(mremap(a, 40 * MIB, 30 * MIB, 0) == a);
	R(sbrk(60 * MIB) == (void *)-1);
	R(sbrk(1 * MIB) != (void *)-1);
	pid_t pid = child();
	if (pid == 0) {
		R(map(40 * MIB, RW, ANON));
		fflush(stdout);
		execl(self, self, "execed", NULL);
		_exit(9);
	}
	reap("child", pid);
	pid = vfork();
	if (pid == 0) { // its limit is no one else's
		struct rlimit l = {8 * MIB, RLIM_INFINITY};
		setrlimit(RLIMIT_AS, &l);
		_exit(0);
	}
	reap("vfork", pid);
	R(munmap(a, 30 * MIB));
	R(map(50 * MIB, RW, ANON));
	limit(RLIMIT_AS, RLIM_INFINITY);
	R(map(100 * MIB, PROT_NONE, ANON));
	limit(RLIMIT_AS, 1 * MIB); // less than there is
	R(map(4096, PROT_NONE, ANON));
	R(munmap(a, 4096));
	limit(RLIMIT_AS, RLIM_INFINITY);
	pid = child();
	if (pid == 0)
		pause();
	struct rlimit l = {64 * MIB, 64 * MIB};
	R(prlimit(pid, RLIMIT_AS, &l, NULL));
	R(map(100 * MIB, PROT_NONE, ANON));
	kill(pid, SIGKILL);
	reap("limited by another", pid);
}

static void data(void) {
	CASE("private writable memory ends at RLIMIT_DATA", "setrlimit mmap brk");
	limit(RLIMIT_DATA, 32 * MIB);
	R(map(40 * MIB, RW, ANON));
	R(map(40 * MIB, PROT_READ, ANON));
	R(map(40 * MIB, PROT_NONE, ANON));
	R(map(40 * MIB, RW, MAP_SHARED | MAP_ANONYMOUS));
	char *a = mmap(NULL, 20 * MIB, RW, ANON, -1, 0);
	R(a != MAP_FAILED);
	R(map(20 * MIB, RW, ANON));
	R(sbrk(20 * MIB) == (void *)-1);
	R(mremap(a, 20 * MIB, 40 * MIB, MREMAP_MAYMOVE) == MAP_FAILED);
	R(munmap(a, 20 * MIB));
	R(map(20 * MIB, RW, ANON));
	limit(RLIMIT_DATA, RLIM_INFINITY);
}

static void promises(void) {
	CASE("more memory than the machine has cannot be promised at once", "mmap brk mremap");
	unsigned long huge = 1UL << 46;
	R(map(huge, RW, ANON));
	R(map(huge, RW, MAP_SHARED | MAP_ANONYMOUS));
	R(map(huge, PROT_READ, ANON));
	R(map(1UL << 44, RW, ANON | MAP_NORESERVE));
	R(map(1UL << 44, PROT_NONE, ANON));
	char *a = mmap(NULL, 4096, RW, ANON, -1, 0);
	R(mremap(a, 4096, huge, MREMAP_MAYMOVE) == MAP_FAILED);
	R(sbrk(1L << 44) == (void *)-1);
	for (int i = 0; i < 20; i++) // but little by little it is
		if (map(200 * MIB, RW, ANON))
			printf("piece %d: %s\n", i, strerrorname_np(errno));
	char c = 0;
	R(read(open("/proc/sys/vm/overcommit_memory", O_RDONLY), &c, 1));
	R(c);
}

int main(int argc, char **argv) {
	if (argc > 1) {
		R(map(80 * MIB, RW, ANON));
		R(map(20 * MIB, RW, ANON));
		return 5;
	}
	space(argv[0]);
	data();
	promises();
	return 0;
}
