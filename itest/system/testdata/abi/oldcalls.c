#include "abi.h"
#include <asm/prctl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <utime.h>

// The calls that today's glibc makes no more, or not from its wrappers, made by number.

static struct stat st;

static void paths(void) {
	CASE("open, stat, lstat and fstat by number", "open stat lstat fstat");
	int fd = syscall(SYS_open, "f", O_CREAT | O_RDWR, 0640);
	R(fd >= 0);
	R(write(fd, "12345", 5));
	S(stat, "f", &st);
	printf("%o %ld %ld\n", st.st_mode, (long)st.st_size, (long)st.st_nlink);
	symlink("f", "l");
	S(lstat, "l", &st);
	printf("%o %ld\n", st.st_mode, (long)st.st_size);
	S(fstat, fd, &st);
	printf("%o %ld\n", st.st_mode, (long)st.st_size);
	S(fstat, 99, &st);
	S(fstat, fd, 8);
	S(stat, "nope", &st);
	S(open, "f", O_RDONLY | 0x20000000); // a flag that nobody knows
	S(open, "f", O_CREAT | O_EXCL, 0600);

	CASE("mkdirat, symlinkat, renameat, mknod and faccessat by number", "mkdirat symlinkat renameat mknod faccessat");
	S(mkdirat, AT_FDCWD, "d", 0711);
	stat("d", &st);
	printf("%o\n", st.st_mode);
	int dir = open("d", O_RDONLY | O_DIRECTORY);
	S(mkdirat, dir, "e", 0700);
	S(symlinkat, "e", dir, "to-e");
	char b[64] = "";
	R(readlink("d/to-e", b, sizeof b));
	printf("%s\n", b);
	S(renameat, dir, "e", AT_FDCWD, "moved");
	R(access("moved", X_OK));
	S(mknod, "fifo", S_IFIFO | 0600, 0);
	stat("fifo", &st);
	printf("%o\n", st.st_mode);
	S(faccessat, dir, "to-e", F_OK);
	S(faccessat, dir, "../f", R_OK);
	S(renameat, 99, "a", AT_FDCWD, "b");

	CASE("faccessat2 by real and effective ids, and of links themselves", "faccessat2");
	symlink("nowhere", "dangling");
	S(faccessat2, AT_FDCWD, "dangling", F_OK, 0);
	S(faccessat2, AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW);
	S(faccessat2, AT_FDCWD, "f", R_OK, 0x40000000);
	chmod("d", 0700);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		setresuid(1000, 0, 0);
		S(faccessat2, AT_FDCWD, "d", W_OK, 0);
		S(faccessat2, AT_FDCWD, "d", W_OK, AT_EACCESS);
		setresuid(0, 1000, 0);
		S(faccessat2, AT_FDCWD, "d", W_OK, 0);
		S(faccessat2, AT_FDCWD, "d", W_OK, AT_EACCESS);
		fflush(stdout);
		_exit(0);
	}
	reap("access", pid);

	CASE("utime, utimes and futimesat set times", "utime utimes futimesat");
	struct utimbuf ub = {1000, 2000};
	S(utime, "f", &ub);
	stat("f", &st);
	printf("%ld %ld\n", st.st_atim.tv_sec, st.st_mtim.tv_sec);
	struct timeval tv[2] = {{10, 500000}, {20, 999999}};
	S(utimes, "f", tv);
	stat("f", &st);
	printf("%ld %ld %ld %ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	tv[0].tv_sec = 30;
	S(futimesat, AT_FDCWD, "f", tv);
	stat("f", &st);
	printf("%ld\n", st.st_atim.tv_sec);
	tv[1].tv_usec = 1000000;
	S(utimes, "f", tv);
	S(utime, "nope", NULL);
	S(utime, "f", NULL);
	stat("f", &st);
	R(labs(time(NULL) - st.st_mtim.tv_sec) < 100);

	CASE("files are synced by descriptor, and all at once", "fdatasync syncfs sync fadvise64");
	S(fdatasync, fd);
	S(syncfs, fd);
	S(sync, 0);
	S(fdatasync, 99);
	S(syncfs, 99);
	int p[2];
	S(pipe, p);
	S(fdatasync, p[0]);
	S(fadvise64, fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	S(fadvise64, fd, 0, 0, POSIX_FADV_DONTNEED);
	S(fadvise64, fd, 0, 0, 77);
	S(fadvise64, p[0], 0, 0, 0);
	S(fadvise64, 99, 0, 0, 0);
	R(pread(fd, b, 5, 0)); // still there

	CASE("fstatfs is statfs of an open file", "fstatfs");
	struct statfs a, c;
	statfs(".", &a);
	S(fstatfs, fd, &c);
	R(a.f_type == c.f_type && a.f_bsize == c.f_bsize && a.f_namelen == c.f_namelen);
	R(c.f_namelen);
	S(fstatfs, 99, &c);
	S(fstatfs, fd, 8);
}

static void readiness(void) {
	CASE("pipe, select and eventfd by number", "pipe select eventfd");
	int p[2];
	S(pipe, p);
	R(p[1] - p[0]);
	fd_set r;
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	struct timeval tv = {0, 5000};
	S(select, p[0] + 1, &r, NULL, NULL, &tv);
	R(tv.tv_sec == 0 && tv.tv_usec == 0); // the time that is left
	R(FD_ISSET(p[0], &r));
	FD_SET(p[0], &r);
	write(p[1], "x", 1);
	tv = (struct timeval){5, 0};
	S(select, p[0] + 1, &r, NULL, NULL, &tv);
	R(tv.tv_sec >= 3);
	R(FD_ISSET(p[0], &r));
	int ev = syscall(SYS_eventfd, 7);
	uint64_t v = 0;
	R(read(ev, &v, 8));
	R(v);

	CASE("epoll_create, epoll_pwait and epoll_pwait2 by number", "epoll_create epoll_pwait epoll_pwait2");
	int ep = syscall(SYS_epoll_create, 1);
	S(epoll_create, 0);
	struct epoll_event e = {EPOLLIN, {.u64 = 5}};
	R(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
	sigset_t none;
	sigemptyset(&none);
	S(epoll_pwait, ep, &e, 1, -1, &none, 8);
	R(e.data.u64);
	S(epoll_pwait, ep, &e, 1, 0, &none, 9);
	read(p[0], &v, 1);
	struct timespec ts = {0, 3000000};
	S(epoll_pwait2, ep, &e, 1, &ts, NULL, 0);
	ts.tv_nsec = -1;
	S(epoll_pwait2, ep, &e, 1, &ts, NULL, 0);
	write(p[1], "x", 1);
	S(epoll_pwait2, ep, &e, 1, NULL, NULL, 0);

	CASE("time and gettimeofday by number, which the vDSO answers otherwise", "time gettimeofday");
	R(labs(syscall(SYS_time, NULL) - time(NULL)) <= 1);
	S(time, 8);
	struct timeval now = {0, 0};
	S(gettimeofday, &now, NULL);
	R(labs(now.tv_sec - time(NULL)) <= 1);

	CASE("nanosleep by number", "nanosleep");
	ts = (struct timespec){0, 1000000};
	S(nanosleep, &ts, NULL);
	ts.tv_nsec = 1000000000;
	S(nanosleep, &ts, NULL);
}

static void processes(void) {
	CASE("fork by number", "fork");
	fflush(stdout);
	pid_t pid = syscall(SYS_fork);
	if (pid == 0)
		_exit(9);
	reap("fork", pid);

	CASE("getrlimit and setrlimit by number", "getrlimit setrlimit");
	struct rlimit r = {0, 0};
	S(getrlimit, RLIMIT_CORE, &r);
	R(r.rlim_cur <= r.rlim_max);
	r.rlim_cur = 0;
	S(setrlimit, RLIMIT_CORE, &r);
	r.rlim_cur = 77;
	S(getrlimit, RLIMIT_CORE, &r);
	R(r.rlim_cur);
	S(getrlimit, 99, &r);
	S(setrlimit, RLIMIT_CORE, 8);

	CASE("arch_prctl gives and sets the segment bases", "arch_prctl");
	unsigned long base = 0, was = 0;
	S(arch_prctl, ARCH_GET_FS, &base);
	R(base == (unsigned long)pthread_self());
	S(arch_prctl, ARCH_GET_GS, &was);
	S(arch_prctl, ARCH_SET_GS, &base);
	__asm__ volatile("mov %%gs:0, %0" : "=r"(was));
	R(was == base);
	S(arch_prctl, ARCH_SET_GS, 1UL << 63);
	S(arch_prctl, 77, 0);
	S(arch_prctl, ARCH_GET_FS, 8);

	CASE("an empty mlockall is refused", "mlockall munlockall");
	S(mlockall, 0);
	S(mlockall, 99);
	S(mlockall, 1);
	S(munlockall, 0);

	CASE("preadv2 and pwritev2 take offset -1 for the file's own", "preadv2 pwritev2");
	int fd = open("v", O_CREAT | O_TRUNC | O_RDWR, 0600);
	struct iovec out[2] = {{"abc", 3}, {"defg", 4}};
	S(pwritev2, fd, out, 2, -1, -1, 0);
	R(lseek(fd, 0, SEEK_CUR));
	char b[8] = "";
	struct iovec in = {b, 7};
	S(preadv2, fd, &in, 1, 2, 0, 0);
	printf("%s\n", b);
	R(lseek(fd, 0, SEEK_CUR));
	S(preadv2, fd, &in, 1, 0, 0, 0x7fff0000);
	for (int flag = 1; flag <= 4; flag *= 2) {
		S(pwritev2, fd, out, 2, flag, 0, flag);
		S(preadv2, fd, &in, 1, 0, 0, flag);
		printf("%s\n", b);
	}
}

int main(void) {
	umask(022);
	paths();
	readiness();
	processes();
	return 0;
}
