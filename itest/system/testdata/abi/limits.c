// What is too long, too many or too large: names, paths, links, descriptors, processes, files (getrlimit(2), path_resolution(7)).
#include "abi.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <linux/falloc.h>

static void limit(int what, unsigned long soft) {
	struct rlimit l;
	getrlimit(what, &l);
	l.rlim_cur = soft;
	R(setrlimit(what, &l));
}

static void names(void) {
	CASE("names end at NAME_MAX, paths at PATH_MAX", "open mkdir stat rename link symlink unlink");
	char name[NAME_MAX + 2], path[2 * PATH_MAX];
	memset(name, 'n', sizeof name);
	name[NAME_MAX + 1] = 0;
	R(open(name, O_CREAT | O_WRONLY, 0600));
	R(mkdir(name, 0700));
	R(symlink("x", name));
	R(unlink(name));
	R(rmdir(name));
	R(access(name, F_OK));
	R(rename(name, "x"));
	name[NAME_MAX] = 0;
	R(close(open(name, O_CREAT | O_WRONLY, 0600)));
	R(rename(name, "short"));
	R(link("short", name));
	R(unlink(name));
	R(unlink("short"));
	memset(path, '/', sizeof path);
	path[PATH_MAX - 1] = 0;
	R(access(path, F_OK));
	path[PATH_MAX - 1] = '/';
	path[PATH_MAX] = 0;
	R(access(path, F_OK));
	R(chdir(path));
	memset(path, 'x', sizeof path);
	path[PATH_MAX - 1] = 0;
	R(symlink(path, "target"));
	R(access("target", F_OK));
	R(readlink("target", path, sizeof path));
	R(unlink("target"));
	path[PATH_MAX - 1] = 'x';
	path[PATH_MAX] = 0;
	R(symlink(path, "target"));
	R(symlink("", "target"));
	// A path that grows while links are followed may be longer than PATH_MAX.
	for (int i = 0; i < 2000; i++)
		memcpy(path + 2 * i, "./", 2);
	strcpy(path + 4000, ".");
	R(symlink(path, "dots"));
	strcpy(path, "dots/dots/dots/dots");
	R(access(path, F_OK));
	R(unlink("dots"));
}

static void deep(void) {
	CASE("a working directory deeper than PATH_MAX", "getcwd chdir mkdir rmdir");
	char name[200 + 1], buf[4 * PATH_MAX], start[PATH_MAX];
	getcwd(start, sizeof start);
	memset(name, 'd', 200);
	name[200] = 0;
	int i, top = open(".", O_RDONLY | O_DIRECTORY);
	for (i = 0; i < 24; i++)
		if (mkdir(name, 0700) || chdir(name))
			break;
	R(i);
	R(syscall(SYS_getcwd, buf, sizeof buf));
	R(syscall(SYS_getcwd, buf, 10));
	R(access(name, F_OK));
	for (; i > 0; i--)
		if (chdir("..") || rmdir(name))
			break;
	R(i);
	R(fchdir(top));
}

static void links(void) {
	CASE("forty symbolic links are followed, no more", "open stat readlink chdir");
	char from[16], to[16];
	put("l0", "end");
	for (int i = 1; i <= 41; i++) {
		sprintf(from, "l%d", i - 1);
		sprintf(to, "l%d", i);
		symlink(from, to);
	}
	R(access("l40", F_OK));
	R(access("l41", F_OK));
	R(open("l41", O_RDONLY));
	R(open("l41", O_RDONLY | O_CREAT, 0600));
	struct stat st;
	R(lstat("l41", &st));
	symlink("d2", "d1");
	symlink("d1", "d2");
	R(chdir("d1"));
	R(access("d1/x", F_OK));
	R(open("d1", O_RDONLY | O_NOFOLLOW));
	R(rename("d1/a", "b"));
	R(execl("d1", "d1", NULL));
	symlink("self/self/self", "self");
	R(access("self", F_OK));
	for (int i = 0; i <= 41; i++) {
		sprintf(from, "l%d", i);
		unlink(from);
	}
	unlink("d1"), unlink("d2"), unlink("self");
}

static void descriptors(void) {
	CASE("descriptors end at RLIMIT_NOFILE, also when it is lowered below those that are open", "setrlimit dup2 dup3 fcntl pipe socketpair open");
	int p[2], high = dup2(0, 50);
	limit(RLIMIT_NOFILE, 20);
	R(high);
	R(fcntl(50, F_GETFD));
	R(dup2(0, 20));
	R(dup2(0, 19));
	R(dup2(50, 50));
	R(dup3(0, 20, 0));
	R(dup2(0, -1));
	R(dup2(0, INT_MAX));
	R(fcntl(0, F_DUPFD, 20));
	R(fcntl(0, F_DUPFD, -1));
	R(fcntl(0, F_DUPFD_CLOEXEC, 21));
	R(close(19));
	int last = -1, n = 0;
	while ((last = open("/dev/null", O_RDONLY)) >= 0)
		n = last;
	R(n);
	R(open("/dev/null", O_RDONLY));
	R(dup(0));
	R(pipe(p));
	R(socket(AF_UNIX, SOCK_STREAM, 0));
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	R(memfd_create("x", 0));
	R(close(19));
	R(pipe(p)); // one is not enough
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	R(open("/dev/null", O_RDONLY));
	R(close(50));
	R(dup2(0, 50));
	limit(RLIMIT_NOFILE, 0);
	R(dup(0));
	R(dup2(0, 0));
	R(write(1, "", 0));
	R(fcntl(0, F_DUPFD, 0));
	limit(RLIMIT_NOFILE, 100);
	struct rlimit l = {1 << 30, 1 << 30};
	R(setrlimit(RLIMIT_NOFILE, &l));
	l = (struct rlimit){10, 5};
	R(setrlimit(RLIMIT_NOFILE, &l));
	R(setrlimit(16, &l));
	for (int i = 3; i < 20; i++)
		close(i);
}

static void *nothing(void *p) { return NULL; }

static void processes(void) {
	CASE("processes and threads of a user end at RLIMIT_NPROC", "setrlimit fork clone");
	pid_t pid = child();
	if (pid == 0) {
		setresuid(54321, 54321, 54321);
		limit(RLIMIT_NPROC, 3);
		pid_t a = child(), b;
		if (a == 0)
			pause(), _exit(0);
		b = child();
		if (b == 0)
			pause(), _exit(0);
		R(fork());
		R(vfork());
		pthread_t th;
		R(pthread_create(&th, NULL, nothing, NULL));
		kill(a, SIGKILL);
		reap("a", a);
		pid_t c = child();
		if (c == 0)
			_exit(3);
		reap("c", c);
		limit(RLIMIT_NPROC, 0);
		R(fork());
		kill(b, SIGKILL);
		reap("b", b);
		R(fork());
		fflush(stdout);
		_exit(0);
	}
	reap("user", pid);
	pid = child();
	if (pid == 0) {
		limit(RLIMIT_NPROC, 0); // does not bind root
		pid_t a = child();
		if (a == 0)
			_exit(4);
		reap("root's", a);
		fflush(stdout);
		_exit(0);
	}
	reap("root", pid);
}

static volatile int got;
static void count(int s) { got++; }

static void sizes(void) {
	CASE("files end at RLIMIT_FSIZE: less is written, then SIGXFSZ and EFBIG", "setrlimit write pwrite64 writev ftruncate truncate fallocate sendfile copy_file_range");
	static char buf[20000];
	memset(buf, 'f', sizeof buf);
	put("source", "0123456789");
	int fd = open("f", O_CREAT | O_RDWR | O_TRUNC, 0600), p[2], src = open("source", O_RDONLY);
	struct stat st;
	pid_t pid = child();
	if (pid == 0) {
		limit(RLIMIT_FSIZE, 10);
		R(pwrite(fd, buf, 1, 10));
		_exit(0);
	}
	reap("no handler", pid);
	pid = child();
	if (pid == 0) {
		limit(RLIMIT_FSIZE, 10000);
		signal(SIGXFSZ, SIG_IGN);
		R(pwrite(fd, buf, 1, 10000));
		R(ftruncate(fd, 10001));
		fflush(stdout);
		_exit(0);
	}
	reap("ignored", pid);
	signal(SIGXFSZ, count);
	limit(RLIMIT_FSIZE, 10000);
	R(write(fd, buf, 9990));
	R(write(fd, buf, 20));
	R(got);
	R(write(fd, buf, 20));
	R(got);
	R(write(fd, buf, 0));
	R(got);
	R(pwrite(fd, buf, 100, 9950));
	R(pwrite(fd, buf, 100, 10000));
	R(got);
	R(pwrite(fd, buf, 0, 10000));
	R(pwrite(fd, buf, 100, 20000));
	R(got);
	struct iovec v[3] = {{buf, 6}, {buf, 6}, {buf, 6}};
	R(pwritev(fd, v, 3, 9990));
	R(got);
	R(pwritev(fd, v, 3, 10000));
	R(got);
	R(lseek(fd, 9995, SEEK_SET));
	R(writev(fd, v, 3));
	R(got);
	R(lseek(fd, 9995, SEEK_SET));
	R(sendfile(fd, src, NULL, 10));
	R(got);
	R(lseek(src, 0, SEEK_SET));
	R(sendfile(fd, src, NULL, 10) < 0);
	R(got);
	R(ftruncate(fd, 10000));
	R(ftruncate(fd, 10001));
	R(got);
	R(truncate("f", 10001));
	R(got);
	R(fallocate(fd, 0, 0, 10000));
	R(fallocate(fd, 0, 0, 10001));
	R(got);
	R(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 10001));
	R(got);
	fstat(fd, &st);
	R(st.st_size);
	int app = open("f", O_WRONLY | O_APPEND);
	R(write(app, buf, 10));
	R(got);
	R(ftruncate(fd, 9998));
	R(write(app, buf, 10));
	R(got);
	R(ftruncate(fd, 20));
	R(pwrite(app, buf, 10, 20000)); // appends
	R(got);
	loff_t off = 9995;
	R(lseek(src, 0, SEEK_SET));
	R(copy_file_range(src, NULL, fd, &off, 10, 0));
	R(got);
	off = 10000;
	R(copy_file_range(src, NULL, fd, &off, 5, 0));
	R(got);
	// What is larger already may be written inside its limit, and be cut.
	limit(RLIMIT_FSIZE, 100);
	R(pwrite(fd, buf, 10, 50));
	R(pwrite(fd, buf, 10, 95));
	R(pwrite(fd, buf, 10, 200));
	R(got);
	R(ftruncate(fd, 500));
	R(ftruncate(fd, 90));
	R(got);
	limit(RLIMIT_FSIZE, 0);
	R(pwrite(fd, buf, 1, 0));
	R(got);
	// Only files have an end.
	int null = open("/dev/null", O_WRONLY);
	R(write(null, buf, 100));
	R(pipe(p));
	R(write(p[1], buf, 100));
	R(write(1, "", 0));
	int mem = memfd_create("m", 0);
	R(write(mem, buf, 1));
	R(ftruncate(mem, 1));
	R(got);
	R(close(open("empty", O_CREAT | O_WRONLY, 0600)));
	R(got);
	// A shared mapping is no write.
	limit(RLIMIT_FSIZE, RLIM_INFINITY);
	R(ftruncate(fd, 4096));
	char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	limit(RLIMIT_FSIZE, 10);
	m[100] = 1;
	R(m[100]);
	R(got);
	limit(RLIMIT_FSIZE, RLIM_INFINITY);
	R(pwrite(fd, buf, 10000, 0));
	R(got);
	unlink("f"), unlink("empty"), unlink("source");
}

int main(void) {
	names();
	deep();
	links();
	descriptors();
	processes();
	sizes();
	return 0;
}
