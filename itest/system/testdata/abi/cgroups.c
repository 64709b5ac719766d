#include "abi.h"
#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/utsname.h>

#define TOP "cg/aramid-abi"
#define A TOP "/a"
#define B TOP "/a/b"

// get reads a file; NULL and errno if that fails.
static const char *get(const char *path) {
	static char b[8192];
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return NULL;
	ssize_t n = read(fd, b, sizeof b - 1);
	int e = errno;
	close(fd);
	errno = e;
	if (n < 0)
		return NULL;
	b[n] = 0;
	return b;
}

// text prints at most the first so many lines of a file, on one line.
static void text(const char *path, int lines) {
	const char *s = get(path);
	printf("%s:", path);
	if (!s) {
		printf(" %s\n", strerrorname_np(errno));
		return;
	}
	for (; *s && lines > 0; s++) {
		if (*s == '\n')
			lines--;
		putchar(*s == '\n' ? '|' : *s);
	}
	printf("\n");
}

// order writes to a control file as a shell does.
static long order(const char *path, const char *s) {
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (fd < 0)
		return -1;
	long r = write(fd, s, strlen(s));
	int e = errno;
	close(fd);
	errno = e;
	return r;
}

static long move(const char *group, pid_t pid) {
	char path[200], s[20];
	sprintf(path, "%s/cgroup.procs", group);
	sprintf(s, "%d\n", pid);
	return order(path, s) < 0 ? -1 : 0;
}

// members is how many lines cgroup.procs has; has whether one of them is pid.
static int members(const char *group, const char *file) {
	char path[200];
	int n = 0;
	sprintf(path, "%s/%s", group, file);
	const char *s = get(path);
	for (; s && *s; s++)
		n += *s == '\n';
	return s ? n : -1;
}

static int where(pid_t pid, const char *want) {
	char path[100], line[200];
	sprintf(path, "/proc/%d/cgroup", pid);
	const char *s = get(path);
	sprintf(line, "0::/%s\n", want);
	return s ? strstr(s, line) != NULL : -1;
}

// until waits for a file to have a word.
static int until(const char *path, const char *word) {
	for (int i = 0; i < 500; i++) {
		const char *s = get(path);
		if (s && strstr(s, word))
			return 1;
		nap(10);
	}
	return 0;
}

static pid_t sleeper(void) {
	pid_t pid = child();
	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void files(void) {
	static const char *names[] = {"cgroup.procs", "cgroup.threads", "cgroup.controllers", "cgroup.subtree_control", "cgroup.events",
		"cgroup.freeze", "cgroup.kill", "cgroup.type", "cgroup.max.depth", "cgroup.max.descendants", "cgroup.stat", "cpu.stat"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[200];
		struct stat st;
		sprintf(path, A "/%s", names[i]);
		if (stat(path, &st) < 0)
			printf("%s: %s\n", path, strerrorname_np(errno));
		else
			printf("%s: mode %o nlink %ld size %ld uid %d\n", path, st.st_mode, (long)st.st_nlink, (long)st.st_size, st.st_uid);
	}
	struct stat st;
	stat(A, &st);
	printf("group: mode %o nlink %ld size %ld\n", st.st_mode, (long)st.st_nlink, (long)st.st_size);
	R(access("cg/cgroup.events", F_OK));
	R(access("cg/cgroup.type", F_OK));
	R(access("cg/cgroup.kill", F_OK));
	R(access("cg/cgroup.procs", F_OK));
	text(A "/cgroup.events", 9);
	text(A "/cgroup.type", 9);
	text(A "/cgroup.freeze", 9);
	text(A "/cgroup.kill", 9);
	text(A "/cgroup.max.depth", 9);
	text(A "/cgroup.max.descendants", 9);
	text(A "/cgroup.stat", 1);
	text(A "/cgroup.controllers", 9);
	text(A "/cgroup.subtree_control", 9);
	text(A "/cgroup.procs", 9);
	text(A "/cpu.stat", 3);
}

// options prints what the mount table says of the file system.
static void options(void) {
	FILE *f = fopen("/proc/self/mountinfo", "r");
	char line[1000];
	while (f && fgets(line, sizeof line, f))
		if (strstr(line, "/cg rw"))
			printf("%s", strstr(line, " - "));
	if (f)
		fclose(f);
}

static void refusals(void) {
	R(order(A "/cgroup.procs", "x"));
	R(order(A "/cgroup.procs", "-1"));
	R(order(A "/cgroup.procs", ""));
	R(order(A "/cgroup.procs", "999999"));
	R(order(A "/cgroup.threads", "0"));
	R(order(A "/cgroup.events", "1"));
	R(order(A "/cgroup.subtree_control", "+nosuch"));
	R(order(A "/cgroup.subtree_control", "+"));
	R(order(A "/cgroup.subtree_control", "  "));
	R(order(A "/cgroup.freeze", "2"));
	R(order(A "/cgroup.freeze", "x"));
	R(order(A "/cgroup.freeze", " 0 \n"));
	R(order(A "/cgroup.kill", "0"));
	R(order(A "/cgroup.kill", "x"));
	R(order(A "/cgroup.type", "domain"));
	R(order(A "/cgroup.max.depth", "-1"));
	R(order(A "/cgroup.max.depth", "99999999999"));
	R(order(A "/cgroup.max.depth", "0x10"));
	text(A "/cgroup.max.depth", 9);
	R(order(A "/cgroup.max.depth", "max"));
	R(open(A "/new", O_CREAT | O_WRONLY, 0600));
	R(mkdir(A "/new\nline", 0755));
	R(mkdir(A "/cgroup.procs", 0755));
	R(symlink("x", A "/link"));
	R(mknod(A "/fifo", S_IFIFO | 0600, 0));
	R(link(A "/cgroup.procs", A "/link"));
	R(unlink(A "/cgroup.procs"));
	R(rmdir(A "/cgroup.procs"));
	R(unlink(A));
	R(rename(A, TOP "/c"));
	R(rename(A "/cgroup.procs", A "/x"));
	R(truncate(A "/cgroup.procs", 0));
	R(rmdir(TOP));
	struct statfs s;
	statfs(A, &s);
	printf("magic %lx\n", (long)s.f_type);
	R(mount("none", "cg", "cgroup2", 0, NULL));
	R(mount("none", "cg", "cgroup2", 0, "nonsense"));
}

static void limits(void) {
	R(order(TOP "/cgroup.max.descendants", "1"));
	R(mkdir(B, 0755));
	R(order(TOP "/cgroup.max.descendants", "max"));
	R(order(A "/cgroup.max.depth", "0"));
	R(mkdir(B, 0755));
	R(order(A "/cgroup.max.depth", "1"));
	R(mkdir(B, 0755));
	R(mkdir(B, 0755));
	R(mkdir(B "/c", 0755));
	text(TOP "/cgroup.stat", 1);
	R(order(A "/cgroup.max.depth", "max"));
	R(rmdir(A));
}

static void membership(void) {
	pid_t pid = sleeper();
	R(move(B, pid));
	R(where(pid, "aramid-abi/a/b"));
	R(members(B, "cgroup.procs"));
	R(members(B, "cgroup.threads"));
	R(members(A, "cgroup.procs"));
	text(A "/cgroup.events", 9);
	text(B "/cgroup.events", 9);
	R(rmdir(B));
	kill(pid, SIGKILL);
	siginfo_t i;
	R(waitid(P_PID, pid, &i, WEXITED | WNOWAIT));
	R(until(B "/cgroup.events", "populated 0"));
	R(members(B, "cgroup.procs"));
	R(where(pid, "aramid-abi/a/b"));
	R(move(A, pid));
	R(where(pid, "aramid-abi/a/b"));
	reap("member", pid);

	// The mover itself, and what it forks.
	pid = child();
	if (pid == 0) {
		R(order(A "/cgroup.procs", "0\n"));
		pid_t n = child();
		if (n == 0) {
			R(where(getpid(), "aramid-abi/a"));
			R(members(A, "cgroup.procs"));
			exit(0);
		}
		reap("grandchild", n);
		exit(3);
	}
	reap("mover", pid);
	text(A "/cgroup.events", 9);
}

static void watching(void) {
	int fd = open(A "/cgroup.events", O_RDONLY);
	char b[100];
	struct pollfd p = {fd, POLLPRI | POLLIN, 0};
	R(poll(&p, 1, 0));
	R(p.revents);
	R(read(fd, b, sizeof b) > 0);
	R(poll(&p, 1, 0));
	R(p.revents);
	struct epoll_event e = {EPOLLPRI, {0}};
	int ep = epoll_create1(0);
	R(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	R(epoll_wait(ep, &e, 1, 0));
	pid_t pid = sleeper();
	move(A, pid);
	R(epoll_wait(ep, &e, 1, 5000));
	R(e.events);
	R(poll(&p, 1, 0));
	R(p.revents);
	lseek(fd, 0, SEEK_SET);
	R(read(fd, b, 11));
	b[11] = 0;
	R(strcmp(b, "populated 1"));
	R(poll(&p, 1, 0));
	R(p.revents);
	kill(pid, SIGKILL);
	reap("watched", pid);
	p.events = POLLPRI;
	R(poll(&p, 1, 5000));
	close(ep);
	close(fd);
	fd = open(A "/cgroup.type", O_RDONLY);
	p.fd = fd;
	p.events = POLLIN | POLLPRI;
	read(fd, b, sizeof b);
	R(poll(&p, 1, 0));
	R(p.revents);
	close(fd);
}

// told waits for an inotify event and prints it.
static void told(int fd) {
	char b[1000];
	struct pollfd p = {fd, POLLIN, 0};
	struct inotify_event *e = (void *)b;
	if (poll(&p, 1, 5000) != 1 || read(fd, b, sizeof b) < (ssize_t)sizeof *e)
		printf("no event\n");
	else
		printf("watch %d, mask %x, cookie %d, name of %d\n", e->wd, e->mask, e->cookie, e->len);
}

static void notifying(void) {
	int fd = inotify_init1(IN_CLOEXEC);
	R(inotify_add_watch(fd, A "/cgroup.events", IN_MODIFY));
	pid_t pid = sleeper();
	move(B, pid);
	told(fd);
	kill(pid, SIGKILL);
	reap("member", pid);
	told(fd);
	struct pollfd p = {fd, POLLIN, 0};
	nap(50);
	R(poll(&p, 1, 0));
	close(fd);
}

// A frozen process does not go on, and nobody is told by wait.
static void freezing(void) {
	int p[2];
	pipe(p);
	pid_t pid = child();
	if (pid == 0)
		for (;;) {
			write(p[1], "x", 1);
			nap(5);
		}
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	R(move(B, pid));
	R(order(A "/cgroup.freeze", "1"));
	R(until(A "/cgroup.events", "frozen 1"));
	text(B "/cgroup.events", 9);
	text(B "/cgroup.freeze", 9);
	char b[1000];
	while (read(p[0], b, sizeof b) > 0)
		;
	nap(50);
	R(read(p[0], b, sizeof b));
	int s;
	R(waitpid(pid, &s, WNOHANG | WUNTRACED));
	kill(pid, SIGCONT);
	kill(pid, SIGABRT); // ends it later, since it would dump its memory
	nap(50);
	R(waitpid(pid, &s, WNOHANG | WUNTRACED));
	R(mkdir(B "/c", 0755));
	text(B "/c/cgroup.events", 9);
	R(rmdir(B "/c"));
	R(order(A "/cgroup.freeze", "0"));
	reap("thawed", pid);
	pid = sleeper();
	move(B, pid);
	R(order(A "/cgroup.freeze", "1"));
	R(until(B "/cgroup.events", "frozen 1"));
	kill(pid, SIGUSR1);
	reap("ended while frozen", pid);
	R(order(A "/cgroup.freeze", "0"));
	pid = sleeper();
	move(B, pid);
	R(order(B "/cgroup.freeze", "1"));
	R(until(B "/cgroup.events", "frozen 1"));
	text(A "/cgroup.events", 9);
	kill(pid, SIGKILL);
	reap("killed while frozen", pid);
	text(B "/cgroup.events", 9);
	R(order(B "/cgroup.freeze", "0"));
	text(B "/cgroup.events", 9);
	close(p[0]);
	close(p[1]);
}

// clone3 puts a child into a group at once.
static pid_t into(int fd, uint64_t size) {
	uint64_t args[11] = {0x200000000, 0, 0, 0, SIGCHLD, 0, 0, 0, 0, 0, fd};
	fflush(stdout);
	pid_t pid = syscall(SYS_clone3, args, size);
	if (pid == 0) {
		char s[200];
		int n = read(open("/proc/self/cgroup", O_RDONLY), s, sizeof s);
		_exit(n > 0 && memmem(s, n, "/aramid-abi/a/b\n", 16) ? 7 : 8);
	}
	return pid;
}

static void cloning(void) {
	int fd = open(B, O_RDONLY | O_DIRECTORY), other = open(".", O_RDONLY | O_DIRECTORY), path = open(B, O_PATH);
	int file = open(B "/cgroup.procs", O_RDONLY);
	reap("cloned", into(fd, 88));
	reap("cloned through O_PATH", into(path, 88));
	R(into(fd, 80));
	R(into(other, 88));
	R(into(file, 88));
	R(into(-1, 88));
	close(fd);
	close(other);
	close(path);
	close(file);
}

// A group's number is that of its directory's inode.
static void handles(void) {
	struct {
		struct file_handle h;
		uint64_t id[16];
	} h = {{8, 0}};
	struct stat st;
	int mount;
	stat(B, &st);
	R(name_to_handle_at(AT_FDCWD, B, &h.h, &mount, 0));
	printf("%d bytes, type %x, the inode's number: %d\n", h.h.handle_bytes, h.h.handle_type, memcmp(h.h.f_handle, &st.st_ino, 8) == 0);
	struct statx x;
	R(statx(AT_FDCWD, B, 0, STATX_BASIC_STATS | STATX_MNT_ID, &x));
	printf("its mount's number: %d, a mount's root: %d %d\n", x.stx_mnt_id == mount, !!(x.stx_attributes_mask & 0x2000), !!(x.stx_attributes & 0x2000));
	R(statx(AT_FDCWD, "cg", 0, STATX_BASIC_STATS | STATX_MNT_ID, &x));
	printf("its mount's number: %d, a mount's root: %d\n", x.stx_mnt_id == mount, !!(x.stx_attributes & 0x2000));
	R(statx(AT_FDCWD, ".", 0, STATX_BASIC_STATS | STATX_MNT_ID, &x));
	printf("its mount's number: %d\n", x.stx_mnt_id == mount);
	h.h.handle_bytes = 0;
	R(name_to_handle_at(AT_FDCWD, B, &h.h, &mount, 0));
	printf("%d bytes, type %x\n", h.h.handle_bytes, h.h.handle_type);
	h.h.handle_bytes = 129;
	R(name_to_handle_at(AT_FDCWD, B, &h.h, &mount, 0));
	R(name_to_handle_at(AT_FDCWD, B "/x", &h.h, &mount, 0));
	R(name_to_handle_at(AT_FDCWD, B, &h.h, &mount, 1));
	h.h.handle_bytes = 8;
	int fd = open(B, O_RDONLY);
	R(name_to_handle_at(fd, "", &h.h, &mount, AT_EMPTY_PATH));
	R(name_to_handle_at(fd, "", &h.h, &mount, 0));
	close(fd);
}

static void killing(void) {
	pid_t x = sleeper(), y = sleeper();
	move(A, x);
	move(B, y);
	R(order(A "/cgroup.kill", "1"));
	reap("in the group", x);
	reap("below it", y);
	R(until(A "/cgroup.events", "populated 0"));
}

// Delegation: an owner of a group moves processes inside of it, not in or out.
static void delegation(void) {
	enum { user = 1234 };
	R(chown(A, user, user));
	R(chown(A "/cgroup.procs", user, user));
	R(chown(B "/cgroup.procs", user, user));
	R(chmod(A, 0750));
	pid_t in = sleeper(), out = sleeper(), pid;
	move(B, in);
	if ((pid = child()) == 0) {
		setgid(user);
		setuid(user);
		R(move(A, in));
		R(move(A, out));
		R(move(TOP, in));
		R(mkdir(A "/mine", 0755));
		struct stat st;
		stat(A "/mine/cgroup.procs", &st);
		R(st.st_uid);
		R(move(A "/mine", in));
		R(move(A, in));
		R(rmdir(A "/mine"));
		R(order(A "/cgroup.freeze", "1"));
		R(rmdir(A));
		exit(0);
	}
	reap("user", pid);
	R(where(in, "aramid-abi/a"));
	kill(in, SIGKILL);
	kill(out, SIGKILL);
	reap("inside", in);
	reap("outside", out);
}

static void removal(void) {
	int fd = open(B "/cgroup.procs", O_RDWR), dir = open(B, O_RDONLY | O_DIRECTORY);
	int in = inotify_init1(IN_NONBLOCK), wd = inotify_add_watch(in, B "/cgroup.events", IN_MODIFY);
	char b[10];
	R(rmdir(B));
	R(inotify_rm_watch(in, wd));
	R(inotify_rm_watch(in, wd));
	close(in);
	R(rmdir(B));
	R(read(fd, b, 10));
	R(write(fd, "0", 1));
	R(mkdirat(dir, "x", 0755));
	close(fd);
	close(dir);
	pid_t pid = sleeper();
	siginfo_t i;
	move(A, pid);
	kill(pid, SIGKILL);
	waitid(P_PID, pid, &i, WEXITED | WNOWAIT);
	R(until(A "/cgroup.events", "populated 0"));
	R(rmdir(A));
	R(where(pid, "aramid-abi/a (deleted)"));
	reap("zombie", pid);
	R(rmdir(TOP));
}

int main(void) {
	struct utsname u;
	uname(&u);
	if (unshare(CLONE_NEWNS) < 0 && !strstr(u.release, "aramid"))
		return 1;
	R(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	mkdir("cg", 0755);
	R(mount("none", "cg", "cgroup2", MS_NOSUID, "nsdelegate"));
	rmdir(TOP);
	R(mkdir(TOP, 0755));
	R(mkdir(A, 0755));
	CASE("a group's directory has its files", "mkdir stat");
	files();
	options();
	CASE("what a group refuses", "write mkdir rmdir rename unlink symlink mknod link mount");
	refusals();
	CASE("how many groups, and how deep", "mkdir rmdir");
	limits();
	CASE("a process is in one group until it ends", "write waitid");
	membership();
	CASE("a change of a group is told", "poll epoll_ctl epoll_wait");
	watching();
	CASE("a change of a group is an event", "inotify_init1 inotify_add_watch");
	notifying();
	CASE("a frozen group stands still", "write wait4");
	freezing();
	CASE("a child begins in a group", "clone3");
	cloning();
	CASE("handles of groups, and mounts", "name_to_handle_at statx");
	handles();
	CASE("a group is killed", "write wait4");
	killing();
	CASE("a group belongs to a user", "chown chmod write mkdir");
	delegation();
	CASE("what is left of a removed group", "rmdir read write inotify_rm_watch");
	removal();
	R(umount("cg"));
	return 0;
}
