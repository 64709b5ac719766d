#include "abi.h"
#include <sys/mman.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

static void target(int fd) {
	char name[64], to[300] = "";
	sprintf(name, "/proc/self/fd/%d", fd);
	R(readlink(name, to, sizeof to - 1) > 0);
	char *hash = strchr(to, '#');
	if (hash)
		strcpy(hash, strchr(hash, ' '));
	puts(strrchr(to, '/'));
}

static long map(int fd, int prot, int flags) {
	void *p = mmap(NULL, 4096, prot, flags, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	munmap(p, 4096);
	return 0;
}

int main(void) {
	CASE("a memfd is a file without a name", "memfd_create");
	char b[4096] = "text", longName[300];
	R(memfd_create("x", 0x100));
	memset(longName, 'n', sizeof longName);
	longName[250] = 0;
	R(memfd_create(longName, 0));
	longName[249] = 0;
	R(close(memfd_create(longName, 0)));
	S(memfd_create, 8, 0);
	int fd = memfd_create("name", MFD_CLOEXEC);
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_GETFL));
	target(fd);
	struct stat st;
	R(fstat(fd, &st));
	printf("%o %ld %ld %ld\n", st.st_mode, (long)st.st_nlink, (long)st.st_size, (long)st.st_uid);
	R(write(fd, b, 100));
	R(pread(fd, b, 200, 50));
	R(ftruncate(fd, 9000));
	R(lseek(fd, 0, SEEK_END));
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	p[5000] = 'm';
	R(pread(fd, b, 1, 5000));
	R(b[0]);
	char name[64];
	sprintf(name, "/proc/self/fd/%d", fd);
	int again = open(name, O_RDONLY);
	R(pread(again, b, 1, 5000));
	target(again);
	R(linkat(AT_FDCWD, name, AT_FDCWD, "m", AT_SYMLINK_FOLLOW));

	CASE("a memfd that was not made to be sealed is not", "fcntl");
	R(fcntl(fd, F_GET_SEALS));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	R(fcntl(again, F_ADD_SEALS, F_SEAL_WRITE));
	R(fcntl(99, F_GET_SEALS));
	int q[2];
	pipe(q);
	R(fcntl(q[0], F_GET_SEALS));

	CASE("seals of a memfd hold", "fcntl write ftruncate mmap fallocate mprotect");
	fd = memfd_create("sealed", MFD_ALLOW_SEALING);
	R(ftruncate(fd, 5000));
	R(fcntl(fd, F_GET_SEALS));
	R(fcntl(fd, F_ADD_SEALS, 0x1000));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	R(ftruncate(fd, 4999));
	R(ftruncate(fd, 5001));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	R(ftruncate(fd, 5002));
	R(ftruncate(fd, 5001));
	R(pwrite(fd, b, 1, 5000));
	R(pwrite(fd, b, 1, 5001));
	R(pwrite(fd, b, 4096, 4000));
	R(pwrite(fd, b, 4096, 4096));
	R(fallocate(fd, 0, 0, 6000));
	R(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 4096));
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	munmap(p, 4096);
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	R(fcntl(fd, F_GET_SEALS));
	R(write(fd, b, 1));
	R(map(fd, PROT_READ | PROT_WRITE, MAP_SHARED));
	R(map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	R(map(fd, PROT_READ, MAP_PRIVATE));
	R(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 4096));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	sprintf(name, "/proc/self/fd/%d", fd);
	again = open(name, O_RDWR);
	R(write(again, b, 1));
	R(fcntl(again, F_GET_SEALS));
	fd = memfd_create("future", MFD_ALLOW_SEALING);
	ftruncate(fd, 4096);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	p[0] = 'z';
	R(pread(fd, b, 1, 0));
	R(b[0]);
	R(write(fd, b, 1));
	R(map(fd, PROT_READ | PROT_WRITE, MAP_SHARED));
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	R(p != MAP_FAILED);
	R(mprotect(p, 4096, PROT_READ | PROT_WRITE));
	sprintf(name, "/proc/self/fd/%d", fd);
	R(fcntl(open(name, O_RDONLY), F_ADD_SEALS, F_SEAL_GROW));

	CASE("O_TMPFILE makes a file that linkat may name", "openat linkat");
	mkdir("d", 0755);
	put("f", "x");
	umask(027);
	R(open("d", O_TMPFILE | O_RDONLY, 0666));
	R(open("d", O_TMPFILE | O_RDWR | O_CREAT, 0666));
	R(open("f", O_TMPFILE | O_RDWR, 0666));
	R(open("nope", O_TMPFILE | O_RDWR, 0666));
	R(open("/proc", O_TMPFILE | O_RDWR, 0666));
	R(open("d", (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, 0666));
	fd = open("d", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	R(fcntl(fd, F_GETFL) & ~0100000);
	target(fd);
	R(fstat(fd, &st));
	printf("%o %ld\n", st.st_mode, (long)st.st_nlink);
	R(write(fd, "tmp", 3));
	R(rmdir("d"));
	mkdir("d", 0755);
	sprintf(name, "/proc/self/fd/%d", fd);
	R(linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	fd = open("d", O_TMPFILE | O_RDWR, 0666);
	write(fd, "tmp", 3);
	sprintf(name, "/proc/self/fd/%d", fd);
	R(linkat(AT_FDCWD, name, AT_FDCWD, "f", AT_SYMLINK_FOLLOW));
	R(linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	R(linkat(fd, "", AT_FDCWD, "d/too", AT_EMPTY_PATH));
	R(fstat(fd, &st));
	R(st.st_nlink);
	int n = open("named", O_RDONLY);
	R(read(n, b, 10));
	R(unlink("named"));
	R(unlink("d/too"));
	R(linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	fd = open("d", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	sprintf(name, "/proc/self/fd/%d", fd);
	R(linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	return 0;
}
