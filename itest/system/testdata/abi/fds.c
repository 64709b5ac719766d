#include "abi.h"
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/file.h>
#include <sys/mman.h>

int main(void) {
	char buf[64];
	CASE("dup, dup2, dup3 and F_DUPFD take the descriptors asked for", "dup dup2 dup3 fcntl");
	put("f", "0123456789");
	int fd = open("f", O_RDWR);
	R(fd);
	R(dup(fd));
	R(dup2(fd, 10));
	R(dup2(fd, fd));
	R(dup2(99, 11));
	R(dup2(99, 99));
	R(dup2(fd, -1));
	R(dup2(fd, 100000000));
	R(dup3(fd, 12, O_CLOEXEC));
	R(fcntl(12, F_GETFD));
	R(dup3(fd, fd, 0));
	R(dup3(fd, 13, 0x123));
	R(fcntl(fd, F_DUPFD, 20));
	R(fcntl(fd, F_DUPFD_CLOEXEC, 20));
	R(fcntl(21, F_GETFD));
	R(fcntl(fd, F_DUPFD, -1));
	CASE("close-on-exec by fcntl and ioctl", "fcntl ioctl close");
	R(fcntl(fd, F_SETFD, FD_CLOEXEC));
	R(fcntl(fd, F_GETFD));
	R(ioctl(fd, FIONCLEX));
	R(fcntl(fd, F_GETFD));
	R(ioctl(fd, FIOCLEX));
	R(fcntl(fd, F_GETFD));
	R(fcntl(77, F_GETFD));
	R(fcntl(fd, 9999));
	R(close(4));
	CASE("the lowest free descriptor; offsets and flags are shared", "open read lseek");
	R(open("f", O_RDONLY)); // the lowest
	R(read(10, buf, 4));
	R(lseek(fd, 0, SEEK_CUR));
	R(fcntl(20, F_SETFL, O_APPEND));
	R(fcntl(fd, F_GETFL) & O_APPEND);
	CASE("close_range closes or marks", "close_range");
	S(close_range, 10, 12, 0);
	R(fcntl(10, F_GETFD));
	S(close_range, 20, ~0U, 4);
	R(fcntl(20, F_GETFD));
	S(close_range, 5, 4, 0);
	CASE("paths through /proc/self/fd reach the open file", "openat access chmod");
	R(access("/proc/self/fd/3", F_OK));
	R(access("/proc/self/fd/33", F_OK));
	int again = open("/proc/self/fd/3", O_RDONLY);
	R(read(again, buf, 2));
	printf("%.2s\n", buf);
	close(again);

	mkdir("d", 0755);
	put("d/below", "x");
	int dir = open("d", O_RDONLY | O_DIRECTORY);
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d/below", dir);
	R(access(path, R_OK));
	snprintf(path, sizeof path, "/proc/self/fd/%d/", dir);
	R(access(path, R_OK));
	R(access("/proc/self/fd/3/x", R_OK));
	R(chmod("/proc/self/fd/3", 0640));
	struct stat st;
	R(fstat(3, &st));
	R(st.st_mode & 0777);
	int stat3 = open("/proc/self/fd/3", O_PATH);
	R(fstat(stat3, &st));
	R(S_ISREG(st.st_mode));
	close(stat3);
	close(dir);

	CASE("RLIMIT_NOFILE bounds descriptors", "setrlimit prlimit64 open dup2");
	struct rlimit r = {8, 64};
	R(setrlimit(RLIMIT_NOFILE, &r));
	R(open("f", O_RDONLY));
	R(open("f", O_RDONLY));
	R(open("f", O_RDONLY));
	R(open("f", O_RDONLY));
	R(open("f", O_RDONLY));
	R(dup2(3, 9));
	R(fcntl(3, F_DUPFD, 9));

	CASE("flock excludes other open files and waits", "flock");
	// Locks.
	R(flock(3, LOCK_EX));
	pid_t pid = child();
	if (pid == 0) {
		close(7);
		int g = open("f", O_RDWR);
		R(flock(g, LOCK_EX | LOCK_NB));
		R(flock(g, LOCK_SH | LOCK_NB));
		R(flock(3, LOCK_EX | LOCK_NB)); // the same open file
		R(flock(g, 77));
		fflush(stdout);
		_exit(0);
	}
	reap("flock", pid);
	R(flock(3, LOCK_SH));
	pid = child();
	if (pid == 0) {
		close(7);
		int g = open("f", O_RDWR);
		R(flock(g, LOCK_SH | LOCK_NB));
		R(flock(g, LOCK_EX | LOCK_NB));
		fflush(stdout);
		_exit(0);
	}
	reap("flock", pid);
	R(flock(3, LOCK_UN));
	volatile int *locked = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = child();
	if (pid == 0) {
		close(7);
		int g = open("f", O_RDWR);
		R(flock(g, LOCK_EX));
		fflush(stdout);
		*locked = 1;
		nap(50);
		_exit(0); // which unlocks
	}
	while (!*locked)
		nap(1);
	R(flock(3, LOCK_EX)); // waits
	reap("flock", pid);
	R(flock(99, LOCK_EX));

	CASE("record locks: conflicts, splitting, the end with any close", "fcntl");
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 3};
	R(fcntl(3, F_SETLK, &l));
	pid = child();
	if (pid == 0) {
		struct flock k = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
		R(fcntl(3, F_SETLK, &k));
		R(fcntl(3, F_GETLK, &k));
		printf("%d %ld %ld %d\n", k.l_type == F_WRLCK, (long)k.l_start, (long)k.l_len, k.l_pid == getppid());
		k = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 0};
		R(fcntl(3, F_SETLK, &k));
		k.l_start = 0, k.l_len = 2;
		R(fcntl(3, F_SETLK, &k));
		k.l_start = 3, k.l_len = 1, k.l_type = F_UNLCK;
		R(fcntl(3, F_SETLK, &k));
		k.l_type = F_RDLCK, k.l_start = -1;
		R(fcntl(3, F_SETLK, &k));
		fflush(stdout);
		_exit(0);
	}
	reap("posix", pid);
	R(fcntl(3, F_GETLK, &l));
	R(l.l_type == F_UNLCK);
	l = (struct flock){.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 1};
	R(fcntl(3, F_SETLK, &l)); // splits
	pid = child();
	if (pid == 0) {
		struct flock k = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 1};
		R(fcntl(3, F_SETLK, &k));
		k.l_start = 2;
		R(fcntl(3, F_SETLK, &k));
		k.l_start = 4;
		R(fcntl(3, F_SETLK, &k));
		fflush(stdout);
		_exit(0);
	}
	reap("posix", pid);
	close(4); // any descriptor of the file: the process's locks go
	pid = child();
	if (pid == 0) {
		struct flock k = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
		R(fcntl(3, F_SETLK, &k));
		fflush(stdout);
		_exit(0);
	}
	reap("posix", pid);
	return 0;
}
