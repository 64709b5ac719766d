// The vDSO answers as the system calls do.
#include "abi.h"
#include <dlfcn.h>
#include <elf.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/time.h>

static long ns(struct timespec t) { return t.tv_sec * 1000000000L + t.tv_nsec; }

int main(void) {
	CASE("the vDSO is an ELF file", "execve");
	Elf64_Ehdr *h = (void *)getauxval(AT_SYSINFO_EHDR);
	R(h != NULL && memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 && h->e_type == ET_DYN);
	R(((unsigned long)h & 4095));

	CASE("clocks of the vDSO lie between two system calls", "clock_gettime clock_getres");
	int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_TAI};
	for (int i = 0; i < sizeof clocks / sizeof *clocks; i++) {
		struct timespec a, b, c, x, y;
		syscall(SYS_clock_gettime, clocks[i], &a);
		int r = clock_gettime(clocks[i], &b);
		syscall(SYS_clock_gettime, clocks[i], &c);
		int e = clock_getres(clocks[i], &y);
		syscall(SYS_clock_getres, clocks[i], &x);
		printf("clock %d: %d %d %d %d %d\n", clocks[i], r, ns(a) <= ns(b), ns(b) <= ns(c), e, ns(x) == ns(y));
	}
	struct timespec t;
	for (int clock = 12; clock < 40; clock += 9)
		R(clock_gettime(clock, &t));
	R(clock_gettime(-1, &t));
	R(clock_getres(12, &t));
	R(clock_getres(CLOCK_MONOTONIC, NULL));

	CASE("gettimeofday and time agree", "gettimeofday time");
	struct timeval v = {0, -1}, w;
	struct timezone z = {9, 9};
	R(gettimeofday(&v, &z));
	R(z.tz_minuteswest);
	R(v.tv_usec >= 0 && v.tv_usec < 1000000);
	R(gettimeofday(NULL, NULL));
	syscall(SYS_gettimeofday, &w, NULL);
	R((w.tv_sec - v.tv_sec) * 1000000 + w.tv_usec - v.tv_usec >= 0);
	time_t at = 0, got = time(&at);
	R(at == got && got >= v.tv_sec && got <= v.tv_sec + 10);

	CASE("getcpu names a processor that there is", "sched_getaffinity");
	cpu_set_t set;
	sched_getaffinity(0, sizeof set, &set);
	R(CPU_ISSET(sched_getcpu(), &set) != 0);
	return 0;
}
