// Pages that are there or not (mincore), that are made to be (MADV_POPULATE), taken out of files (MADV_REMOVE), mapped twice (mremap), and
// locked memory with its limit.
#include "abi.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS)
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static char *map(unsigned long pages, int prot, int flags) { return mmap(NULL, pages * PAGE, prot, flags, -1, 0); }

// core prints which pages mincore says are there.
static void core(const char *what, void *p, int pages) {
	unsigned char v[64] = {0};
	int r = mincore(p, pages * PAGE, v);
	printf("%s: ", what);
	if (r < 0)
		printf("%s ", strerrorname_np(errno));
	for (int i = 0; i < pages; i++)
		putchar('0' + (v[i] & 1));
	putchar('\n');
}

static void present(void) {
	CASE("mincore says which pages are there", "mincore");
	char *a = map(6, RW, ANON);
	core("fresh", a, 6);
	a[0] = a[3 * PAGE] = 1;
	core("touched", a, 6);
	R(madvise(a, PAGE, MADV_DONTNEED));
	core("dropped", a, 6);
	munmap(a + 4 * PAGE, PAGE);
	core("a hole", a, 6);
	core("only the hole", a + 4 * PAGE, 1);
	R(mprotect(a + 3 * PAGE, PAGE, PROT_NONE));
	core("not to be read", a, 4);
	unsigned char v[8];
	S(mincore, a + 1, PAGE, v);
	S(mincore, a, 0, v);
	S(mincore, a, 1, v);
	S(mincore, a, PAGE, NULL);
	S(mincore, a, -PAGE, v);
	S(mincore, a, 1UL << 60, v);
	char *s = map(4, RW, SHARED);
	s[PAGE] = 1;
	core("shared", s, 4);
	int fd = memfd_create("m", 0);
	R(ftruncate(fd, 4 * PAGE));
	R(pwrite(fd, "x", 1, 2 * PAGE));
	char *f = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	core("a file", f, 4);
	char *q = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
	q[0] = 1;
	core("a private file", q, 4);
}

static void populate(void) {
	CASE("MADV_POPULATE_READ and MADV_POPULATE_WRITE, MAP_POPULATE", "madvise mmap");
	char *a = map(6, RW, ANON);
	a[PAGE] = 'k';
	R(madvise(a, 2 * PAGE, MADV_POPULATE_READ));
	R(madvise(a + 3 * PAGE, PAGE, MADV_POPULATE_WRITE));
	core("populated", a, 6);
	R(a[PAGE]);
	mprotect(a + 4 * PAGE, PAGE, PROT_READ);
	mprotect(a + 5 * PAGE, PAGE, PROT_NONE);
	R(madvise(a + 3 * PAGE, 2 * PAGE, MADV_POPULATE_WRITE));
	R(madvise(a + 4 * PAGE, 2 * PAGE, MADV_POPULATE_READ));
	core("as far as allowed", a, 6);
	munmap(a + 2 * PAGE, PAGE);
	R(madvise(a, 6 * PAGE, MADV_POPULATE_READ));
	R(madvise(a + 1, PAGE, MADV_POPULATE_READ));
	R(madvise(a, 0, MADV_POPULATE_READ));
	int fd = memfd_create("m", 0);
	ftruncate(fd, PAGE);
	char *f = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	R(madvise(f, 2 * PAGE, MADV_POPULATE_WRITE));
	R(madvise(f, PAGE, MADV_POPULATE_WRITE));
	core("MAP_POPULATE", map(3, RW, ANON | MAP_POPULATE), 3);
	core("read-only", map(3, PROT_READ, ANON | MAP_POPULATE), 3);
	core("none", map(3, PROT_NONE, ANON | MAP_POPULATE), 3);
	core("not at once", map(3, RW, ANON | MAP_POPULATE | MAP_NONBLOCK), 3);
	core("shared", map(3, RW, SHARED | MAP_POPULATE), 3);
}

static void removed(void) {
	CASE("MADV_REMOVE takes pages out of the file", "madvise");
	int fd = memfd_create("m", 0);
	char c = 0, buf[4 * PAGE];
	memset(buf, 'r', sizeof buf);
	write(fd, buf, sizeof buf);
	char *s = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	char *other = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
	p[PAGE + 1] = 'p';
	R(madvise(s + PAGE, PAGE, MADV_REMOVE));
	R(pread(fd, &c, 1, PAGE));
	R(c);
	R(s[0] + 1000 * s[PAGE]);
	R(other[PAGE] + 1000 * other[2 * PAGE]);
	R(p[PAGE] + 1000 * p[PAGE + 1]);
	struct stat st;
	fstat(fd, &st);
	R(st.st_size);
	put("ro", "");
	truncate("ro", PAGE);
	R(madvise(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, open("ro", O_RDONLY), 0), PAGE, MADV_REMOVE));
	R(madvise(p, PAGE, MADV_REMOVE));
	R(madvise(map(1, RW, ANON), PAGE, MADV_REMOVE));
	char *a = map(2, RW, SHARED);
	memset(a, 'a', 2 * PAGE);
	R(madvise(a + PAGE, PAGE, MADV_REMOVE));
	R(a[0] + 1000 * a[PAGE]);
	core("a hole is left", a, 2);
	s[PAGE] = 'n';
	R(pread(fd, &c, 1, PAGE));
	R(c);
}

static void twice(void) {
	CASE("mremap of nothing maps shared pages twice, MREMAP_DONTUNMAP leaves the mapping", "mremap");
	char *s = map(4, RW, SHARED);
	memset(s, 's', 4 * PAGE);
	s[2 * PAGE] = 't';
	char *b = mremap(s + PAGE, 0, 2 * PAGE, MREMAP_MAYMOVE);
	R(b != MAP_FAILED && b != s);
	R(b[0] * 1000 + b[PAGE]);
	b[1] = 'b';
	R(s[PAGE + 1]);
	char *to = map(2, PROT_NONE, ANON);
	R(mremap(s, 0, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	R(to[0]);
	R(munmap(s, 4 * PAGE));
	R(b[1]);
	char *a = map(2, RW, ANON);
	R(mremap(a, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	R(mremap(b, 0, PAGE, 0) == MAP_FAILED);
	memset(a, 'a', 2 * PAGE);
	R(mremap(a, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL) == MAP_FAILED);
	R(mremap(a, 2 * PAGE, 2 * PAGE, MREMAP_DONTUNMAP, NULL) == MAP_FAILED);
	char *c = mremap(a, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	R(c != MAP_FAILED && c != a);
	R(c[PAGE] * 1000 + a[PAGE]);
	a[PAGE] = 'z';
	R(c[PAGE]);
	char *d = mremap(b, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	R(d != MAP_FAILED);
	R(d[1] * 1000 + b[1]);
	d[2] = 'd';
	R(b[2]);
	R(mremap(a, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, a + 1) == MAP_FAILED ? errno : 0);
	R(mremap(a, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, a) == MAP_FAILED ? errno : 0);
	to = map(3, RW, ANON);
	munmap(to + PAGE, PAGE);
	R(mremap(a, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, to + PAGE) == to + PAGE); // a hint
	R(mremap(a, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, to) != to);
	put("f", "file");
	char *f = mmap(NULL, PAGE, RW, MAP_PRIVATE, open("f", O_RDWR), 0);
	f[0] = 'F';
	char *g = mremap(f, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	R(g[0] * 1000 + f[0]);
}

// lck prints VmLck in pages, without what a program has at first.
static void lck(const char *what) {
	char line[200];
	FILE *f = fopen("/proc/self/status", "r");
	long kb = -1;
	while (fgets(line, sizeof line, f))
		sscanf(line, "VmLck: %ld", &kb);
	fclose(f);
	printf("%s: %ld\n", what, kb / 4);
}

static void limit(unsigned long pages) {
	struct rlimit l = {pages * PAGE, pages * PAGE};
	R(setrlimit(RLIMIT_MEMLOCK, &l));
}

static void locked(void) {
	CASE("mlock makes pages present and counts them", "mlock mlock2 munlock");
	char *a = map(6, RW, ANON);
	R(mlock(a + 5, PAGE));
	core("locked", a, 6);
	lck("two pages");
	S(mlock2, a + 3 * PAGE, PAGE, 1);
	core("on fault", a, 6);
	lck("a third");
	S(mlock2, a, PAGE, 2);
	R(madvise(a, PAGE, MADV_DONTNEED));
	R(madvise(a, PAGE, MADV_FREE));
	R(madvise(a, PAGE, MADV_COLD));
	R(madvise(a, PAGE, MADV_PAGEOUT));
	R(madvise(a, PAGE, 24)); // MADV_DONTNEED_LOCKED
	core("dropped all the same", a, 2);
	R(madvise(a + 2 * PAGE, PAGE, MADV_COLD));
	R(madvise(a + 2 * PAGE, PAGE, MADV_PAGEOUT));
	pid_t pid = child();
	if (pid == 0) {
		lck("a child");
		_exit(0);
	}
	reap("child", pid);
	R(munlock(a, PAGE));
	lck("one less");
	R(mlock(a, 6 * PAGE));
	R(munmap(a + PAGE, PAGE));
	lck("unmapped");
	R(mlock(a, 6 * PAGE)); // a hole
	R(munlock(a, 6 * PAGE));
	lck("before the hole");
	R(munlock(a + 2 * PAGE, 4 * PAGE));
	lck("none");
	R(mlock(a, 0));
	R(mlock(a + PAGE, 0));
	R(mlock(a, -1UL));
	R(mlock(a, -2 * PAGE));
	char *n = map(2, PROT_NONE, ANON);
	R(mlock(n, PAGE));
	lck("not to be accessed, but locked");
	R(munlock(n, PAGE));
	char *r = map(2, PROT_READ, ANON);
	R(mlock(r, PAGE));
	R(munmap(r, PAGE));
	char *s = map(2, RW, SHARED | MAP_LOCKED);
	core("MAP_LOCKED", s, 2);
	lck("MAP_LOCKED");
	s = mremap(s, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	lck("grown");
	munmap(s, 4 * PAGE);
	a = map(2, RW, ANON | MAP_LOCKED);
	a = mremap(a, 2 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);
	core("grown", a, 5);
	R(munmap(a, 5 * PAGE));
	lck("gone");

	CASE("mlockall", "mlockall munlockall");
	S(mlockall, 0);
	S(mlockall, 8);
	S(mlockall, MCL_ONFAULT);
	R(mlockall(MCL_FUTURE));
	lck("nothing yet");
	a = map(3, RW, ANON);
	core("the future", a, 3);
	lck("the future");
	char *e = sbrk(0);
	e = sbrk(PAGE + (-(unsigned long)e & (PAGE - 1)));
	lck("the heap");
	R(mlockall(MCL_FUTURE | MCL_ONFAULT));
	core("when touched", map(3, RW, ANON), 3);
	R(munlockall());
	lck("nothing");
	a = map(3, RW, ANON);
	core("no more", a, 3);
	R(mlockall(MCL_CURRENT));
	core("all", a, 3);
	core("but not later", map(3, RW, ANON), 3);
	R(munlockall());
	lck("nothing");
}

// bounded is what a user without CAP_IPC_LOCK may lock.
static int bounded(void) {
	limit(4);
	setresuid(1000, 1000, 1000);
	char *a = map(8, RW, ANON);
	R(mlock(a, 5 * PAGE));
	R(mlock(a, 3 * PAGE));
	R(mlock(a + PAGE, 3 * PAGE)); // two of them are locked already
	R(mlock(a + 6 * PAGE, PAGE));
	lck("four");
	R(map(1, RW, ANON | MAP_LOCKED) == MAP_FAILED ? errno : 0);
	R(munlock(a, 2 * PAGE));
	R(map(2, RW, ANON | MAP_LOCKED) != MAP_FAILED);
	R(mremap(a + 2 * PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? errno : 0);
	R(munlockall());
	R(mlockall(MCL_CURRENT));
	R(mlockall(MCL_FUTURE));
	R(map(5, RW, ANON) == MAP_FAILED ? errno : 0);
	R(map(4, RW, ANON) != MAP_FAILED);
	char *e = sbrk(0);
	R(sbrk(5 * PAGE) == (void *)-1 ? errno : 0);
	R(sbrk(0) == e);
	R(munlockall());
	struct rlimit none = {0, 4 * PAGE};
	R(setrlimit(RLIMIT_MEMLOCK, &none));
	R(mlock(a, PAGE));
	R(mlockall(MCL_FUTURE));
	R(map(1, RW, ANON | MAP_LOCKED) == MAP_FAILED ? errno : 0);
	R(munlock(a, PAGE));
	return 0;
}

int main(void) {
	present();
	populate();
	removed();
	twice();
	locked();
	CASE("RLIMIT_MEMLOCK binds users", "mlock mlockall mmap mremap brk setrlimit");
	pid_t pid = child();
	if (pid == 0)
		_exit(bounded());
	reap("user", pid);
	return 0;
}
