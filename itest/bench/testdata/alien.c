/* Measures Linux calls in guest instructions: under -icount shift=0 the time-stamp counter counts one per instruction. Prints
 * "figure NAME MEDIAN MIN SAMPLES" lines, as itest/kernel/bench does. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SAMPLES = 501, WARM_UP = 50 };

static inline uint64_t now(void)
{
	uint32_t lo, hi;
	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return (uint64_t)hi << 32 | lo;
}

static inline long call1(long nr, long a)
{
	long r;
	__asm__ volatile("syscall" : "=a"(r) : "0"(nr), "D"(a) : "rcx", "r11", "memory");
	return r;
}

static uint64_t t[SAMPLES];

static int order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void report(const char *name)
{
	qsort(t, SAMPLES, sizeof t[0], order);
	printf("figure %s %llu %llu %d\n", name, (unsigned long long)t[SAMPLES / 2], (unsigned long long)t[0], SAMPLES);
	fflush(stdout);
}

static void measure(const char *name, long nr, long arg)
{
	for (int i = -WARM_UP; i < SAMPLES; i++) {
		uint64_t a = now();
		call1(nr, arg);
		uint64_t b = now();
		if (i >= 0)
			t[i] = b - a;
	}
	report(name);
}

int main(void)
{
	measure("linux_getppid", SYS_getppid, 0); /* linuxabi answers alone */
	measure("linux_umask", SYS_umask, 022);	  /* forwarded to vfsd, journalled */
	char *p = mmap(NULL, (SAMPLES + 1) * 4096UL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return 1;
	for (int i = 0; i < SAMPLES; i++) {
		uint64_t a = now();
		*(volatile char *)(p + i * 4096UL) = 1;
		t[i] = now() - a;
	}
	report("linux_anonymous_fault");
	return 0;
}
