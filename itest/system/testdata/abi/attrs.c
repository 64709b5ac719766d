#include "abi.h"
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/sysmacros.h>

static void mode(const char *p) {
	struct stat st;
	if (stat(p, &st) < 0)
		printf("%s: %s\n", p, strerrorname_np(errno));
	else
		printf("%s: %o %d:%d\n", p, st.st_mode, st.st_uid, st.st_gid);
}

int main(void) {
	struct stat st;
	CASE("files are made with the modes that umask leaves", "umask creat open");
	umask(022);
	R(umask(077));
	put("f", "x");
	mode("f");
	R(umask(0));
	R(creat("g", 0777) >= 0);
	mode("g");
	CASE("chmod and fchmod set the twelve bits", "chmod fchmod");
	R(chmod("f", 0640));
	mode("f");
	R(chmod("f", 07777));
	mode("f");
	R(chmod("nope", 0));
	int fd = open("f", O_RDWR);
	R(fchmod(fd, 0604));
	mode("f");
	R(fchmod(99, 0604));
	CASE("chown and fchown change owners, -1 leaves one", "chown fchown");
	R(chown("f", 12, 34));
	mode("f");
	R(chown("f", -1, 56));
	mode("f");
	R(fchown(fd, 78, -1));
	mode("f");
	CASE("chown takes the set-id bits", "chown");
	R(chmod("f", 06755));
	R(chown("f", 1, 1)); // takes the set-id bits
	mode("f");
	CASE("lchown and fchownat: the link itself, an open file", "lchown fchownat fchmodat");
	symlink("f", "l");
	R(lchown("l", 5, 6));
	mode("f");
	lstat("l", &st);
	R(st.st_uid * 100 + st.st_gid);
	R(fchownat(fd, "", 9, 9, AT_EMPTY_PATH));
	mode("f");
	R(fchmodat(AT_FDCWD, "f", 0600, 0));

	CASE("utimensat sets and omits times", "utimensat");
	struct timespec ts[2] = {{1000, 5}, {2000, 7}};
	R(utimensat(AT_FDCWD, "f", ts, 0));
	stat("f", &st);
	printf("%ld.%ld %ld.%ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1] = (struct timespec){3000, 0};
	R(futimens(fd, ts));
	stat("f", &st);
	printf("%ld %ld\n", st.st_atim.tv_sec, st.st_mtim.tv_sec);
	ts[1].tv_nsec = 2000000000;
	R(utimensat(AT_FDCWD, "f", ts, 0));
	R(utimensat(AT_FDCWD, "f", NULL, 0));
	stat("f", &st);
	R(time(NULL) - st.st_mtim.tv_sec < 100);
	struct timeval tv[2] = {{10, 0}, {20, 0}};
	R(utimes("f", tv));
	stat("f", &st);
	R(st.st_mtim.tv_sec);
	R(utimensat(AT_FDCWD, "nope", NULL, 0));
	CASE("a write moves mtime", "pwrite64");
	R(pwrite(fd, "zz", 2, 0)); // a write moves mtime
	fstat(fd, &st);
	R(st.st_mtim.tv_sec > 1000);

	CASE("stat tells type, device, size and links", "newfstatat");
	stat("/dev/null", &st);
	R(S_ISCHR(st.st_mode));
	R(major(st.st_rdev) * 1000 + minor(st.st_rdev));
	stat("f", &st);
	R(st.st_size);
	R(st.st_blksize);
	R(st.st_nlink);
	CASE("statx tells what stat does", "statx");
	struct statx sx;
	R(statx(AT_FDCWD, "f", 0, STATX_ALL, &sx));
	R(sx.stx_size);
	R(sx.stx_mode);
	R((sx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	R(statx(AT_FDCWD, "nope", 0, STATX_ALL, &sx));
	R(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &sx));
	R(fstatat(fd, "", &st, AT_EMPTY_PATH));
	R(fstatat(AT_FDCWD, "", &st, 0));
	R(stat("f", (void *)8));

	CASE("pipes and sockets have a mode and owners of their own", "fchmod fchown");
	int ends[2], pair[2];
	pipe(ends);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	R(fchmod(ends[0], 0640));
	R(fchown(ends[1], 5, 6));
	fstat(ends[1], &st);
	printf("%o %d %d\n", st.st_mode, st.st_uid, st.st_gid);
	R(fchmod(pair[0], 0200));
	R(fchown(pair[0], -1, 7));
	fstat(pair[0], &st);
	printf("%o %d %d\n", st.st_mode, st.st_uid, st.st_gid);
	fstat(pair[1], &st);
	printf("%o %d %d\n", st.st_mode, st.st_uid, st.st_gid);
	R(ftruncate(pair[0], 0));
	R(ftruncate(ends[1], 0));
	pid_t other = child();
	if (other == 0) {
		setgid(1000);
		setuid(1000);
		R(fchmod(ends[0], 0600));
		R(fchown(ends[0], -1, 1000));
		R(fchmod(pair[0], 0600));
		R(fchown(pair[0], 1000, -1));
		pipe(ends);
		socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
		R(fchmod(ends[0], 0400));
		R(fchown(ends[0], -1, 1000));
		R(fchown(ends[0], -1, 0));
		R(fchmod(pair[0], 0400));
		R(fchown(pair[0], 1000, 1000));
		R(fchown(pair[0], 0, -1));
		_exit(0);
	}
	reap("other", other);

	// What permissions do to somebody who is not root.
	CASE("permissions hold for who is not root", "access chmod chown mknodat unlink open");
	mkdir("priv", 0700);
	mkdir("sticky", 01777);
	put("sticky/roots", "");
	chmod("sticky/roots", 0666);
	put("priv/x", "");
	put("ro", "");
	chmod("ro", 0444);
	put("wo", "");
	chmod("wo", 0222);
	chmod(".", 0777);
	pid_t pid = child();
	if (pid == 0) {
		R(setgid(1000));
		R(setuid(1000));
		R(open("ro", O_RDONLY) >= 0);
		R(open("ro", O_WRONLY));
		R(open("wo", O_RDONLY));
		R(open("wo", O_WRONLY) >= 0);
		R(open("priv/x", O_RDONLY));
		R(chdir("priv"));
		R(unlink("sticky/roots"));
		R(chmod("ro", 0777));
		R(chown("ro", 1000, 1000));
		R(mknod("null", S_IFCHR | 0666, makedev(1, 3)));
		R(access("ro", R_OK));
		R(access("ro", W_OK));
		put("mine", "x");
		mode("mine");
		R(chmod("mine", 0600));
		R(chown("mine", 0, 0));
		R(chown("mine", 1000, 1000));
		R(setuid(0));
		R(kill(getppid(), 0));
		R(chroot("/"));
		fflush(stdout);
		_exit(0);
	}
	reap("user", pid);
	return 0;
}
