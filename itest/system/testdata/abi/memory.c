#include "abi.h"
#include <setjmp.h>
#include <sys/mman.h>

#define PAGE 4096
static sigjmp_buf env;
static volatile int code;

static void caught(int sig, siginfo_t *i, void *u) {
	code = sig * 100 + i->si_code;
	siglongjmp(env, 1);
}

// touch is what happens on a write (or read) there: 0, or 100 times the signal plus its code.
static int touch(volatile char *p, int write) {
	code = 0;
	if (!sigsetjmp(env, 1)) {
		if (write)
			*p = 1;
		else
			(void)*p;
	}
	return code;
}

int main(void) {
	struct sigaction sa = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	CASE("mprotect and munmap of parts of an area", "mmap mprotect munmap");
	char *p = mmap(NULL, 10 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	R(p != MAP_FAILED);
	R(p[0] + p[10 * PAGE - 1]);
	memset(p, 'a', 10 * PAGE);
	R(mprotect(p + PAGE, PAGE, PROT_READ));
	R(touch(p + PAGE, 0));
	R(touch(p + PAGE, 1));
	R(touch(p, 1));
	R(mprotect(p + PAGE, PAGE, PROT_NONE));
	R(touch(p + PAGE, 0));
	R(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE));
	R(p[PAGE]);
	R(munmap(p + 2 * PAGE, PAGE));
	R(touch(p + 2 * PAGE, 0));
	R(p[3 * PAGE]);
	R(mprotect(p, 4 * PAGE, PROT_READ)); // a hole
	R(mprotect(p + 1, PAGE, PROT_READ));
	R(munmap(p + 1, PAGE));
	R(munmap(p, 0));
	R(munmap(p + 2 * PAGE, PAGE)); // nothing there
	CASE("MADV_DONTNEED zeroes", "madvise");
	R(madvise(p + 4 * PAGE, PAGE, MADV_DONTNEED));
	R(p[4 * PAGE]);
	R(p[5 * PAGE]);
	R(madvise(p + 4 * PAGE, PAGE, 9999));
	R(madvise(p + 2 * PAGE, PAGE, MADV_DONTNEED));
	CASE("MAP_FIXED, MAP_FIXED_NOREPLACE and hints", "mmap");
	R(mmap(p + 5 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + 5 * PAGE);
	R(p[5 * PAGE]);
	R(mmap(p + 6 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED ? errno : 0);
	R(mmap(p + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == p + 2 * PAGE);
	R(mmap(p + 2 * PAGE, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != p + 2 * PAGE); // a hint
	R(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0);
	R(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0);
	R(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0) == MAP_FAILED ? errno : 0);
	R(mmap(NULL, 1UL << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0);

	CASE("pieces of a private file mapping read their own offsets", "mmap mprotect");
	// Files.
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	char buf[4 * PAGE];
	for (int i = 0; i < 4; i++)
		memset(buf + i * PAGE, '0' + i, PAGE);
	write(fd, buf, sizeof buf - 100);
	char *m = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	R(m[0]);
	// Read-fault a page of a read-only file mapping, overlay it, write, fault its neighbours.
	char *o = mmap(m + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 3 * PAGE);
	R(o[0]);
	o[0] = 'x';
	R(m[0] * 1000 + m[2 * PAGE]);
	R(o[0]);
	R(mprotect(m + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE));
	m[2 * PAGE] = 'y';
	R(m[2 * PAGE + 1]);
	R(m[3 * PAGE]);
	R(m[4 * PAGE - 1]);
	R(pread(fd, buf, 1, 2 * PAGE));
	R(buf[0]);
	R(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1UL << 63) == MAP_FAILED ? errno : 0);
	R(mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, -PAGE) == MAP_FAILED ? errno : 0);
	CASE("a shared mapping and the file are one", "mmap msync pwrite64");
	char *s = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	s[5] = 's';
	R(pread(fd, buf, 6, 0));
	R(buf[5]);
	R(m[5]);
	R(pwrite(fd, "w", 1, 6));
	R(s[6]);
	R(msync(s, PAGE, MS_SYNC));
	R(msync(s + 1, PAGE, MS_SYNC));
	R(msync(s, PAGE, MS_SYNC | MS_ASYNC));
	CASE("beyond the end of a shortened file is SIGBUS", "ftruncate mmap");
	R(ftruncate(fd, PAGE));
	R(touch(s + 2 * PAGE, 1));
	R(touch(s, 1));
	R(touch(m + 3 * PAGE, 0));
	R(ftruncate(fd, 4 * PAGE));
	R(touch(s + 2 * PAGE, 0));
	R(s[2 * PAGE]);
	CASE("what a descriptor allows to map", "mmap mprotect");
	int ro = open("f", O_RDONLY);
	R(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, ro, 0) == MAP_FAILED ? errno : 0);
	R(mmap(NULL, PAGE, PROT_WRITE, MAP_PRIVATE, ro, 0) != MAP_FAILED);
	R(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 1) == MAP_FAILED ? errno : 0);
	char *rs = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
	R(mprotect(rs, PAGE, PROT_READ | PROT_WRITE));
	int dir = open(".", O_RDONLY);
	R(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0) == MAP_FAILED ? errno : 0);
	int wo = open("f", O_WRONLY);
	R(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wo, 0) == MAP_FAILED ? errno : 0);
	char *z = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, open("/dev/zero", O_RDWR), 0);
	R(z != MAP_FAILED && z[7] == 0);
	close(fd);
	R(s[5]); // stays

	CASE("fork copies private memory and shares the rest", "fork madvise");
	// fork: private is copied, shared is shared.
	char *priv = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	priv[0] = shared[0] = 1;
	R(madvise(p, PAGE, MADV_DONTFORK));
	R(mprotect(m, PAGE, PROT_READ | PROT_WRITE));
	R(madvise(p + 9 * PAGE, PAGE, MADV_WIPEONFORK));
	pid_t pid = child();
	if (pid == 0) {
		priv[0] = shared[0] = 2;
		m[1] = 'c';
		_exit((touch(p, 0) != 0) * 10 + (p[9 * PAGE] == 0));
	}
	reap("fork", pid);
	R(priv[0] * 10 + shared[0]);
	R(m[1]);

	CASE("mremap grows, shrinks and moves", "mremap");
	// mremap.
	char *a = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(a, 'm', 2 * PAGE);
	char *b = mremap(a, 2 * PAGE, 40 * PAGE, MREMAP_MAYMOVE);
	R(b != MAP_FAILED);
	R(b[0] * 1000 + b[2 * PAGE - 1]);
	R(b[2 * PAGE] + b[39 * PAGE]);
	R(mremap(b, 40 * PAGE, PAGE, 0) == b);
	R(touch(b + PAGE, 0));
	char *to = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	R(mremap(b, PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	R(to[0]);
	R(touch(b, 0) != 0);
	R(mremap(to, PAGE, 2 * PAGE, MREMAP_FIXED, a) == MAP_FAILED ? errno : 0);
	R(mremap(to + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? errno : 0);
	R(mremap((void *)(PAGE * 64), PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? errno : 0);
	R(mremap(to, PAGE, 0, MREMAP_MAYMOVE) == MAP_FAILED ? errno : 0);

	CASE("brk gives zeros again", "brk");
	// brk.
	char *e = sbrk(0);
	R(sbrk(3 * PAGE) == e);
	e[2 * PAGE] = 1;
	R(sbrk(-3 * PAGE) != (void *)-1);
	R(sbrk(0) == e);
	R(sbrk(3 * PAGE) == e);
	R(e[2 * PAGE]);
	R(sbrk(1L << 50) == (void *)-1 ? errno : 0);

	CASE("mlock", "mlock mlock2 munlock");
	S(mlock2, p + 6 * PAGE, PAGE, 1);
	S(mlock2, p + 6 * PAGE, PAGE, 0);
	S(mlock2, p + 6 * PAGE, PAGE, 2);
	S(mlock2, 4096, PAGE, 0);
	R(mlock(p + 6 * PAGE, PAGE));
	R(munlock(p + 6 * PAGE, PAGE));
	CASE("code, the null page and the kernel are out of reach; the stack grows", "mprotect");
	// Code is not writable, data does not run.
	R(touch((char *)main, 1));
	R(touch(NULL, 0));
	R(touch((char *)-PAGE, 0)); // the kernel's half
	R(touch((char *)(1UL << 62), 0)); // no canonical address: a general protection fault
	// The stack grows.
	volatile char deep[1 << 20];
	deep[0] = 1;
	R(deep[0]);
	return 0;
}
