#include "abi.h"
#include <setjmp.h>
#include <sys/mman.h>

// Random sequences of mmap, mprotect, MAP_FIXED, munmap, mremap, madvise, fork and touch against a model: each page of an arena is
// absent or has a protection, a content and a place in a file, which reading it and /proc/self/maps must both show. The seeds are the same
// everywhere, so that the outputs are too.

#define PAGE 4096
#define PAGES 32
#define FILEPAGES 16

static sigjmp_buf env;
static char *arena, *side; // side: where what moves into the arena comes from
static int file;

static struct page {
	int prot; // -1: not mapped
	int value;
	int off; // page of the file; -1: anonymous
} model[PAGES];

static unsigned long seed;

static unsigned rnd(unsigned n) {
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (seed >> 33) % n;
}

static void caught(int s) { siglongjmp(env, 1); }

// peek is the byte there, -1 for a fault.
static int peek(volatile char *p) {
	if (sigsetjmp(env, 1))
		return -1;
	return *p;
}

static int poke(volatile char *p, int v) {
	if (sigsetjmp(env, 1))
		return -1;
	*p = v;
	return v;
}

// wrong counts the pages that are not as the model says.
static int wrong(int step) {
	int bad = 0;
	for (int i = 0; i < PAGES; i++) {
		int want = model[i].prot < 1 ? -1 : model[i].value;
		int at = rnd(PAGE);
		int got = peek(arena + i * PAGE + at);
		if (got != want) {
			if (bad++ == 0)
				printf("step %d: page %d has %d, should have %d\n", step, i, got, want);
		}
	}
	return bad;
}

// shown counts the pages that /proc/self/maps does not show as the model has them. How many lines Linux makes of them depends on what was
// touched when, so pages are compared.
static int shown(int step) {
	int bad = 0, seen[PAGES] = {0};
	unsigned long from, to, off, inode, base = (unsigned long)arena;
	char perms[5], line[512];
	FILE *f = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof line, f)) {
		if (sscanf(line, "%lx-%lx %4s %lx %*s %lu", &from, &to, perms, &off, &inode) != 5)
			printf("a line of maps: %s", line), bad++;
		for (unsigned long a = from; a < to; a += PAGE) {
			if (a < base || a >= base + PAGES * PAGE)
				continue;
			int i = (a - base) / PAGE;
			static const char *names[] = {"---p", "r--p", "rw-p"};
			long want = model[i].off < 0 ? 0 : model[i].off * PAGE, got = inode ? off + (a - from) : 0;
			if (seen[i]++ || model[i].prot < 0 || strcmp(perms, names[model[i].prot]) || got != want || (inode != 0) != (model[i].off >= 0))
				if (bad++ == 0)
					printf("step %d: page %d is shown as %s at %ld, should be %d at %d\n", step, i, perms, got, model[i].prot, model[i].off);
		}
	}
	fclose(f);
	for (int i = 0; i < PAGES; i++)
		if (model[i].prot >= 0 && !seen[i] && bad++ == 0)
			printf("step %d: page %d is not shown\n", step, i);
	return bad;
}

// moved maps an area elsewhere, anonymous or of the file, writes to it, and moves it over a part of the arena with another length.
static int moved(int first, int n) {
	int from = 1 + rnd(8), off = rnd(2) ? -1 : rnd(FILEPAGES - 8);
	char *to = arena + first * PAGE;
	int flags = MAP_PRIVATE | MAP_FIXED | (off < 0 ? MAP_ANONYMOUS : 0);
	char *p = mmap(side, from * PAGE, PROT_READ | PROT_WRITE, flags, off < 0 ? -1 : file, off < 0 ? 0 : off * PAGE);
	if (p == MAP_FAILED)
		return 1;
	for (int i = 0; i < from || i < n; i++) {
		struct page m = {2, off < 0 ? 0 : 'A' + off + i, off < 0 ? -1 : off + i};
		if (i < from && rnd(2))
			memset(p + i * PAGE, m.value = 'a' + rnd(26), PAGE);
		if (i < n)
			model[first + i] = m;
	}
	return mremap(p, from * PAGE, n * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to;
}

static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};

// step changes a random range and the model with it.
static int step(void) {
	int first = rnd(PAGES), n = 1 + rnd(PAGES - first < 8 ? PAGES - first : 8), prot = rnd(3);
	char *p = arena + first * PAGE;
	switch (rnd(9)) {
	case 0: // anonymous
		if (mmap(p, n * PAGE, prots[prot], MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != p)
			return 1;
		for (int i = 0; i < n; i++)
			model[first + i] = (struct page){prot, 0, -1};
		return 0;
	case 1: { // a piece of the file
		int off = rnd(FILEPAGES);
		if (n > FILEPAGES - off)
			n = FILEPAGES - off;
		if (mmap(p, n * PAGE - rnd(PAGE), prots[prot], MAP_PRIVATE | MAP_FIXED, file, off * PAGE) != p)
			return 1;
		for (int i = 0; i < n; i++)
			model[first + i] = (struct page){prot, 'A' + off + i, off + i};
		return 0;
	}
	case 2: { // a hole makes mprotect stop there
		int r = mprotect(p, n * PAGE, prots[prot]), want = 0;
		for (int i = 0; i < n; i++) {
			if (model[first + i].prot < 0) {
				want = -1;
				break;
			}
			model[first + i].prot = prot;
		}
		return r != want;
	}
	case 3:
		for (int i = 0; i < n; i++)
			model[first + i].prot = -1;
		return munmap(p, n * PAGE);
	case 4: // write through what can be written
		for (int i = first; i < first + n; i++) {
			int v = 'a' + rnd(26);
			char *q = arena + i * PAGE;
			if (model[i].prot == 2) {
				memset(q, v, PAGE);
				model[i].value = v;
			} else if (poke(q, v) >= 0)
				return 1;
		}
		return 0;
	case 5: { // one page moves onto another
		int to = rnd(PAGES);
		if (to == first || model[first].prot < 0)
			return 0;
		if (mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, arena + to * PAGE) != arena + to * PAGE)
			return 1;
		model[to] = model[first];
		model[first].prot = -1;
		return 0;
	}
	case 6:
		return moved(first, n);
	case 7: { // what is dropped is read anew; holes are told
		int want = 0;
		for (int i = first; i < first + n; i++) {
			if (model[i].prot < 0)
				want = -1;
			model[i].value = model[i].off < 0 ? 0 : 'A' + model[i].off;
		}
		return madvise(p, n * PAGE, MADV_DONTNEED) != want;
	}
	default: { // a child sees the same, and its writes stay its own
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0) {
			int bad = wrong(-1);
			for (int i = 0; i < PAGES; i++)
				if (model[i].prot == 2)
					memset(arena + i * PAGE, '!', PAGE);
			fflush(stdout);
			_exit(bad != 0);
		}
		int s;
		return waitpid(pid, &s, 0) != pid || s != 0;
	}
	}
}

int main(int argc, char **argv) {
	CASE("random sequences of mmap, mprotect, munmap, mremap, fork and touch lose nothing", "mmap mprotect munmap mremap fork");
	int seeds = getenv("SEEDS") ? atoi(getenv("SEEDS")) : 3, bad = 0;
	struct sigaction sa = {.sa_handler = caught, .sa_flags = SA_NODEFER};
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	file = open("f", O_CREAT | O_TRUNC | O_RDWR, 0600);
	char b[PAGE];
	for (int i = 0; i < FILEPAGES; i++) {
		memset(b, 'A' + i, PAGE);
		write(file, b, PAGE);
	}
	side = mmap(NULL, 3 * PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	arena = side + 2 * PAGES * PAGE;
	for (int s = 1; s <= seeds; s++) {
		seed = s;
		mmap(arena, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		for (int i = 0; i < PAGES; i++)
			model[i] = (struct page){0, 0, -1};
		for (int i = 0; i < 120; i++) {
			if (step())
				printf("seed %d, step %d failed\n", s, i), bad++;
			bad += wrong(i);
			if (i % 20 == 0)
				bad += shown(i);
		}
		unsigned long sum = 0;
		for (int i = 0; i < PAGES; i++)
			sum = sum * 31 + model[i].prot * 7 + model[i].value * 3 + model[i].off;
		printf("seed %d: %lx\n", s, sum);
	}
	R(bad);
	struct stat st;
	fstat(file, &st);
	R(st.st_size);
	for (int i = 0; i < FILEPAGES; i++) // private writes did not reach the file
		if (pread(file, b, 1, i * PAGE + 7) != 1 || b[0] != 'A' + i)
			printf("page %d of the file is changed\n", i);
	return 0;
}
