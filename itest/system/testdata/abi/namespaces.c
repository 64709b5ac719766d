#include "abi.h"
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

static char top[PATH_MAX];

// group numbers peer groups in the order in which they are first seen.
static int group(long id) {
	static long seen[200];
	static int n;
	for (int i = 0; i < n; i++)
		if (seen[i] == id)
			return i + 1;
	seen[n++] = id;
	return n;
}

// table prints what mountinfo says of the mounts below the test's directory.
static void table(const char *what) {
	printf("%s:\n", what);
	FILE *f = fopen("/proc/self/mountinfo", "r");
	char line[4096];
	while (f && fgets(line, sizeof line, f)) {
		char root[1000], path[1000], opts[500], fs[100], src[500], super[500];
		int used;
		if (sscanf(line, "%*d %*d %*s %999s %999s %499s%n", root, path, opts, &used) != 3 || strncmp(path, top, strlen(top)) != 0)
			continue;
		char *rest = line + used, *dash = strstr(rest, " - ");
		sscanf(dash + 3, "%99s %499s %499s", fs, src, super);
		char *inodes = strstr(super, ",inode64");
		if (inodes)
			*inodes = 0;
		if (strncmp(root, top, strlen(top)) == 0)
			memmove(root, root + strlen(top), strlen(root + strlen(top)) + 1);
		printf("  %s %s %s", path + strlen(top), root, opts);
		*dash = 0;
		for (char *w = strtok(rest, " "); w; w = strtok(NULL, " ")) {
			char name[100];
			long id;
			if (sscanf(w, "%99[a-z_]:%ld", name, &id) == 2)
				printf(" %s:%d", name, group(id));
			else
				printf(" %s", w);
		}
		printf(" - %s %s %s\n", fs, src, super);
	}
	if (f)
		fclose(f);
}

static void tmp(const char *path) {
	mkdir(path, 0755);
	if (mount("t", path, "tmpfs", 0, "size=64k,mode=700") < 0)
		printf("mount %s: %s\n", path, strerrorname_np(errno));
}

static void change(const char *path, unsigned long how) {
	if (mount(NULL, path, NULL, how, NULL) < 0)
		printf("change %s %lx: %s\n", path, how, strerrorname_np(errno));
}

static int child1(int (*f)(void)) {
	pid_t p = child();
	if (p == 0)
		_exit(f());
	int s;
	waitpid(p, &s, 0);
	return WIFEXITED(s) ? WEXITSTATUS(s) : -1;
}

static void propagation(void) {
	CASE("a shared mount shows what is mounted in its peer and its slave", "mount");
	tmp("p");
	change("p", MS_PRIVATE);
	tmp("p/a");
	change("p/a", MS_SHARED);
	mkdir("p/a/x", 0755);
	mkdir("p/b", 0755);
	mkdir("p/c", 0755);
	mkdir("p/d", 0755);
	R(mount("p/a", "p/b", NULL, MS_BIND, NULL));
	R(mount("p/a", "p/c", NULL, MS_BIND, NULL));
	change("p/c", MS_SLAVE);
	R(mount("p/c", "p/d", NULL, MS_BIND, NULL));
	change("p/d", MS_SHARED);
	table("binds");
	tmp("p/a/x");
	table("mounted in a");
	tmp("p/c/x/in");
	tmp("p/d/x/y");
	table("mounted below the slaves");
	R(umount("p/b/x"));
	table("unmounted in b");
	R(umount2("p/a/x", MNT_DETACH));
	change("p/a", MS_PRIVATE);
	table("a is private");
	change("p/b", MS_PRIVATE);
	table("b is private, the group is gone");
	R(umount2("p", MNT_DETACH));

	CASE("recursive binds, unbindable mounts, moves", "mount");
	tmp("q");
	change("q", MS_PRIVATE);
	tmp("q/1");
	tmp("q/1/2");
	tmp("q/1/2/3");
	tmp("q/1/u");
	change("q/1/u", MS_UNBINDABLE);
	mkdir("q/copy", 0755);
	mkdir("q/one", 0755);
	mkdir("q/moved", 0755);
	R(mount("q/1", "q/copy", NULL, MS_BIND | MS_REC, NULL));
	R(mount("q/1", "q/one", NULL, MS_BIND, NULL));
	R(mount("q/1/u", "q/one", NULL, MS_BIND, NULL));
	table("bound");
	R(mount("q/1", "q/moved", NULL, MS_MOVE, NULL));
	R(mount("q/moved", "q/moved/2", NULL, MS_MOVE, NULL));
	R(mount("q/moved/2/3", "q/moved", NULL, MS_MOVE, NULL));
	table("moved");
	change("q", MS_REC | MS_SHARED);
	R(mount("q/copy", "q/moved", NULL, MS_MOVE, NULL));
	change("q", MS_REC | MS_PRIVATE);
	change("q", MS_REC | MS_SLAVE);
	table("private again");
	change("q/nothing", MS_SHARED);
	change("q/copy/2/3/..", MS_SHARED);
	change("q/copy/2", MS_SHARED | MS_PRIVATE);
	change("q/copy/2", MS_SHARED | MS_NOSUID);
	mkdir("q/copy/2/dir", 0755);
	change("q/copy/2/dir", MS_SHARED);
	R(umount2("q", MNT_DETACH));

	CASE("mounts on one place, and a copy that comes below what is there", "mount umount2");
	tmp("s");
	change("s", MS_PRIVATE);
	tmp("s/a");
	change("s/a", MS_SHARED);
	mkdir("s/a/x", 0755);
	mkdir("s/b", 0755);
	R(mount("s/a", "s/b", NULL, MS_BIND, NULL));
	change("s/b", MS_SLAVE);
	tmp("s/b/x");
	put("s/b/x/own", "");
	tmp("s/a/x");
	put("s/a/x/first", "");
	tmp("s/a/x");
	R(access("s/b/x/own", F_OK));
	table("stacked");
	R(umount("s/b/x"));
	R(umount("s/a/x"));
	R(access("s/a/x/first", F_OK));
	table("one off each");
	R(umount("s/a/x"));
	table("none in a");
	R(umount2("s", MNT_DETACH));
}

static void files(void) {
	CASE("files are mounted on files, also by what stands for them", "mount umount2");
	tmp("f");
	change("f", MS_PRIVATE);
	put("f/a", "aa");
	put("f/b", "b");
	mkdir("f/d", 0755);
	R(mount("f/a", "f/b", NULL, MS_BIND, NULL));
	struct stat st;
	stat("f/b", &st);
	R(st.st_size);
	R(mount("f/a", "f/d", NULL, MS_BIND, NULL));
	R(mount("f/d", "f/a", NULL, MS_BIND, NULL));
	R(unlink("f/b"));
	R(rename("f/b", "f/c"));
	R(rename("f/a", "f/b"));
	R(unlink("f/a"));
	table("files");
	R(umount("f/b"));
	put("f/a", "again");
	int fd = open("f/a", O_PATH);
	char link[100];
	sprintf(link, "/proc/self/fd/%d", fd);
	R(mount(link, "f/b", NULL, MS_BIND, NULL));
	stat("f/b", &st);
	R(st.st_size);
	int to = open("f/b", O_PATH);
	sprintf(link, "/proc/self/fd/%d", to);
	R(umount2(link, MNT_DETACH));
	R(umount2(link, MNT_DETACH));
	close(fd);
	close(to);
	symlink("d", "f/l");
	R(mount("t", "f/l", "tmpfs", 0, NULL));
	R(umount2("f/l", UMOUNT_NOFOLLOW));
	R(umount2("f/l", 0));
	R(umount2("f/d", 0));
	R(umount2("f/d", 0x100));
	R(umount("f"));
}

static void flags(void) {
	CASE("flags of mounts and of file systems", "mount mount_setattr");
	tmp("g");
	change("g", MS_PRIVATE);
	mkdir("g/a", 0755);
	mkdir("g/b", 0755);
	R(mount("t", "g/a", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME, "size=1M,nr_inodes=10,mode=0750,uid=5,gid=6"));
	R(mount("g/a", "g/b", NULL, MS_BIND, NULL));
	table("as mounted");
	R(mount(NULL, "g/b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_STRICTATIME, NULL));
	R(open("g/b/x", O_CREAT | O_WRONLY, 0600));
	int fd = open("g/a/x", O_CREAT | O_WRONLY, 0600);
	R(fd >= 0);
	table("a read-only mount");
	R(mount(NULL, "g/a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	close(fd);
	R(mount(NULL, "g/a", NULL, MS_REMOUNT | MS_RDONLY, "size=2M"));
	R(open("g/a/x", O_WRONLY));
	table("a read-only file system");
	R(mount(NULL, "g/a", NULL, MS_REMOUNT, "size=1"));
	R(mount(NULL, "g/a", NULL, MS_REMOUNT, "nr_inodes=1"));
	R(mount(NULL, "g/a", NULL, MS_REMOUNT, "what=1"));
	R(mount(NULL, "g/a/..", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
	R(mount(NULL, "g/b/none", NULL, MS_REMOUNT, NULL));
	struct {
		uint64_t set, clr, prop, ns;
	} a = {.set = 0x1 | 0x8 | 0x10, .clr = 0x2 | 0x70};
	S(mount_setattr, AT_FDCWD, "g/a", 0, &a, sizeof a);
	table("attributes");
	a = (typeof(a)){.set = 0x20, .clr = 0x70 | 1, .prop = MS_SHARED};
	S(mount_setattr, AT_FDCWD, "g", 0x8000, &a, sizeof a);
	table("attributes of all");
	a = (typeof(a)){.set = 0x10};
	S(mount_setattr, AT_FDCWD, "g", 0, &a, sizeof a);
	a = (typeof(a)){.set = 0x40000};
	S(mount_setattr, AT_FDCWD, "g", 0, &a, sizeof a);
	a = (typeof(a)){.prop = MS_SHARED | MS_PRIVATE};
	S(mount_setattr, AT_FDCWD, "g", 0, &a, sizeof a);
	a = (typeof(a)){.prop = MS_PRIVATE};
	S(mount_setattr, AT_FDCWD, "g/none", 0, &a, sizeof a);
	mkdir("g/dir", 0755);
	S(mount_setattr, AT_FDCWD, "g/dir", 0, &a, sizeof a);
	S(mount_setattr, AT_FDCWD, "g", 0, &a, 8);
	S(mount_setattr, AT_FDCWD, "g", 0x4, &a, sizeof a);
	int dir = open("g/a", O_PATH);
	S(mount_setattr, dir, "", AT_EMPTY_PATH, &a, sizeof a);
	close(dir);
	struct statfs s;
	R(statfs("g/a", &s));
	R(s.f_flags);
	R(s.f_files);
	R(s.f_blocks * s.f_bsize);
	R(umount2("g", MNT_DETACH));

	CASE("what a mount forbids", "mount");
	tmp("h");
	mkdir("h/n", 0755);
	R(mount("t", "h/n", "tmpfs", MS_NODEV | MS_NOEXEC, NULL));
	R(mknod("h/n/null", S_IFCHR | 0666, makedev(1, 3)));
	R(open("h/n/null", O_RDWR));
	put("h/n/x", "#!/bin/true\n");
	chmod("h/n/x", 0755);
	R(access("h/n/x", X_OK));
	R(execl("h/n/x", "x", (char *)NULL));
	R(mknod("h/null", S_IFCHR | 0666, makedev(1, 3)));
	R(open("h/null", O_RDWR) >= 0);
	R(umount2("h", MNT_DETACH));
}

static void limits(void) {
	CASE("a tmpfs is full", "mount");
	mkdir("l", 0755);
	R(mount("t", "l", "tmpfs", 0, "size=16k,nr_inodes=4"));
	int fd = open("l/a", O_CREAT | O_RDWR, 0600);
	char b[20000] = {0};
	R(write(fd, b, sizeof b));
	R(write(fd, b, 1));
	R(pwrite(fd, b, 4096, 0));
	R(ftruncate(fd, 100000));
	R(pwrite(fd, b, 1, 90000));
	struct statfs s;
	statfs("l", &s);
	R(s.f_bfree);
	R(s.f_ffree);
	R(ftruncate(fd, 4096));
	statfs("l", &s);
	R(s.f_bfree);
	R(mkdir("l/d", 0755));
	R(link("l/a", "l/b"));
	R(symlink("x", "l/c"));
	R(unlink("l/b"));
	R(symlink("x", "l/c"));
	R(mknod("l/e", S_IFREG | 0600, 0));
	R(unlink("l/a"));
	R(mknod("l/e", S_IFREG | 0600, 0));
	close(fd);
	R(mknod("l/e", S_IFREG | 0600, 0));
	statfs("l", &s);
	R(s.f_bfree);
	R(umount("l"));
	R(mount("t", "l", "tmpfs", 0, "size=x"));
	R(mount("t", "l", "tmpfs", 0, "mode=9"));
	R(mount("t", "l", "tmpfs", 0, "bogus"));
	R(mount("t", "l", "nosuchfs", 0, NULL));
	R(mount("t", "l", NULL, 0, NULL));
	R(mount("t", "l", "ramfs", 0, NULL));
	R(statfs("l", &s));
	R(s.f_type);
	R(s.f_blocks);
	table("ramfs");
	R(umount("l"));
	put("l/file", "");
	R(mount("t", "l/file", "tmpfs", 0, NULL));
	R(mount(NULL, "l", NULL, MS_BIND, NULL));
	R(mount("", "l", NULL, MS_BIND, NULL));
	R(mount("l", "l/file", NULL, MS_MOVE, NULL));
}

static int inside(void) {
	tmp("n/x/in");
	table("inside");
	return access("n/x/in", F_OK);
}

static int unshared(void) {
	R(unshare(CLONE_NEWNS));
	tmp("n/x/own");
	put("n/x/own/file", "");
	char b[100] = {0};
	R(getcwd(b, sizeof b) != NULL && strcmp(b, top) == 0);
	change("n/x", MS_SLAVE);
	tmp("n/x/slave");
	table("in the copy");
	return access("n/x/slave", F_OK);
}

static void spaces(void) {
	CASE("a mount namespace is a copy, its mounts are peers", "unshare clone setns mount");
	tmp("n");
	change("n", MS_PRIVATE);
	tmp("n/x");
	change("n/x", MS_SHARED);
	mkdir("n/x/in", 0755);
	mkdir("n/x/own", 0755);
	mkdir("n/x/slave", 0755);
	mkdir("n/private", 0755);
	R(child1(unshared));
	R(access("n/x/own/file", F_OK));
	table("here");
	R(umount("n/x/own"));
	int mine = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	int go[2], done[2];
	pipe(go);
	pipe(done);
	pid_t p = child();
	if (p == 0) {
		char c;
		unshare(CLONE_NEWNS);
		change("/", MS_REC | MS_PRIVATE);
		tmp("n/private");
		put("n/private/secret", "");
		write(done[1], "", 1);
		read(go[0], &c, 1);
		_exit(access("n/x/in/late", F_OK) == 0);
	}
	char c, path[100], a[100] = {0}, b[100] = {0};
	read(done[0], &c, 1);
	R(access("n/private/secret", F_OK));
	R(rmdir("n/private")); // mounted on there, not here
	R(mkdir("n/private", 0755));
	sprintf(path, "/proc/%d/ns/mnt", p);
	readlink(path, a, sizeof a);
	readlink("/proc/self/ns/mnt", b, sizeof b);
	R(strncmp(a, "mnt:[", 5) == 0 && strcmp(a, b) != 0);
	int theirs = open(path, O_RDONLY | O_CLOEXEC);
	struct stat s1, s2;
	fstat(mine, &s1);
	stat("/proc/self/ns/mnt", &s2);
	R(s1.st_ino == s2.st_ino && s1.st_dev == s2.st_dev);
	fstat(theirs, &s2);
	R(s1.st_ino == s2.st_ino);
	struct statfs fs;
	fstatfs(mine, &fs);
	R(fs.f_type == 0x6e736673);
	sprintf(path, "/proc/%d/mountinfo", p);
	R(access(path, R_OK));
	R(setns(theirs, CLONE_NEWUTS));
	R(setns(theirs, CLONE_NEWNS));
	R(chdir(top));
	tmp("n/x/in");
	put("n/x/in/late", "");
	table("there");
	R(setns(mine, 0));
	R(chdir(top));
	R(access("n/x/in/late", F_OK));
	write(go[1], "", 1);
	reap("the process there", p);
	int null = open("/dev/null", O_RDONLY);
	R(setns(null, 0));
	R(setns(99, 0));
	R(unshare(0x1));
	R(unshare(CLONE_FS));
	R(child1(inside));
	table("after");
	close(theirs);
	R(umount2("n", MNT_DETACH));
}

static int denied(void) {
	setuid(1000);
	R(mount("t", "r", "tmpfs", 0, NULL));
	R(mount("t", "nope", "tmpfs", 0, NULL));
	R(umount("r"));
	R(umount2("r", 0x1000));
	R(unshare(CLONE_NEWNS));
	S(pivot_root, "r", "r");
	return 0;
}

static int pivot(void) {
	R(unshare(CLONE_NEWNS));
	change("/", MS_REC | MS_PRIVATE);
	tmp("r");
	mkdir("r/old", 0755);
	mkdir("r/proc", 0755);
	put("r/here", "");
	S(pivot_root, "r/old", "r");
	S(pivot_root, "r", "r/none");
	S(pivot_root, "r", "r/here");
	S(pivot_root, "r", "/");
	S(pivot_root, "/", "r/old");
	change("r", MS_SHARED);
	S(pivot_root, "r", "r/old");
	change("r", MS_PRIVATE);
	R(mount("proc", "r/proc", "proc", 0, NULL));
	S(pivot_root, "r", "r/old");
	R(access("/here", F_OK));
	char b[200] = {0};
	R(chdir("/"));
	R(umount2("/old", 0));
	R(umount2("/old", MNT_DETACH));
	R(access("/old/proc", F_OK));
	top[0] = 0;
	table("after pivot_root");
	put("mine", "");
	R(chroot("old"));
	R(getcwd(b, sizeof b) != NULL ? strcmp(b, "(unreachable)/") : -1);
	return 0;
}

// pivotHere is how systemd and runc change the root.
static int pivotHere(void) {
	R(unshare(CLONE_NEWNS));
	change("/", MS_REC | MS_PRIVATE);
	tmp("r");
	mkdir("r/proc", 0755);
	R(chdir("r"));
	R(mount("proc", "proc", "proc", MS_NOSUID, NULL));
	S(pivot_root, ".", ".");
	R(umount2(".", MNT_DETACH));
	R(access("/proc/self", F_OK));
	R(access("/etc", F_OK));
	top[0] = 0;
	table("after pivot_root onto itself");
	return 0;
}

static void roots(void) {
	CASE("pivot_root", "pivot_root umount2");
	R(child1(pivot));
	R(child1(pivotHere));
	R(child1(denied));
	S(pivot_root, NULL, "r");
	S(pivot_root, "nope", "r");
}

static int polled(int fd) {
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLPRI};
	poll(&p, 1, 0);
	return p.revents;
}

static void born(void) {
	CASE("a child is born into a mount namespace of its own", "clone");
	mkdir("b", 0755);
	fflush(stdout);
	long c = syscall(SYS_clone, SIGCHLD | CLONE_NEWNS, 0, 0, 0, 0);
	if (c == 0) {
		tmp("b");
		put("b/in", "x");
		R(access("b/in", F_OK));
		_exit(0);
	}
	reap("child", c);
	R(access("b/in", F_OK));

	CASE("the end of a namespace takes nothing out of others", "unshare");
	tmp("b");
	change("b", MS_SHARED);
	mkdir("b/below", 0755);
	tmp("b/below");
	put("b/below/in", "x");
	c = child();
	if (c == 0) {
		R(unshare(CLONE_NEWNS));
		R(access("b/below/in", F_OK));
		_exit(0);
	}
	reap("peer", c);
	R(access("b/below/in", F_OK));
	R(umount("b/below"));
	R(umount("b"));

	CASE("who may not make namespaces is told", "clone");
	S(clone, SIGCHLD | CLONE_NEWNS | CLONE_FS, 0, 0, 0, 0);
	c = child();
	if (c == 0) {
		R(setuid(65534));
		S(clone, SIGCHLD | CLONE_NEWNS, 0, 0, 0, 0);
		_exit(0);
	}
	reap("user", c);
}

static void drain(int fd) {
	char b[8192];
	lseek(fd, 0, SEEK_SET);
	while (read(fd, b, sizeof b) > 0)
		;
}

static void watching(void) {
	CASE("a change of the mounts is told", "mount umount2");
	mkdir("w", 0755);
	int fd = open("/proc/self/mountinfo", O_RDONLY);
	drain(fd);
	polled(fd);
	R(polled(fd));
	tmp("w");
	R(polled(fd));
	drain(fd);
	R(polled(fd));
	R(umount2("w", MNT_EXPIRE | MNT_DETACH));
	R(umount2("w", MNT_EXPIRE));
	R(polled(fd));
	R(umount2("w", MNT_EXPIRE));
	R(polled(fd));
	drain(fd);
	close(fd);
	fd = open("/proc/self/mounts", O_RDONLY);
	drain(fd);
	tmp("w");
	R(polled(fd));
	R(umount("w"));
	close(fd);
	CASE("proc over proc, sysfs over itself", "mount umount2");
	mkdir("y", 0755);
	R(mount("proc", "y", "proc", 0, NULL));
	R(mount("proc", "y", "proc", 0, NULL));
	R(access("y/self/mounts", F_OK));
	R(umount2("y", MNT_DETACH));
	R(access("y/self/mounts", F_OK));
	R(umount2("y", MNT_DETACH));
	R(access("y/self/mounts", F_OK));
	R(mount("sysfs", "y", "sysfs", 0, NULL));
	R(mount("sysfs", "y", "sysfs", 0, NULL));
	table("sysfs");
	R(umount("y"));
	R(umount("y"));
}

int main(void) {
	if (unshare(CLONE_NEWNS) < 0)
		return 1;
	change("/", MS_REC | MS_PRIVATE);
	getcwd(top, sizeof top);
	propagation();
	files();
	flags();
	limits();
	spaces();
	born();
	roots();
	watching();
	return 0;
}
