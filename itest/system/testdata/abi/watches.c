#include "abi.h"
#include <dirent.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#ifndef IN_MASK_CREATE
#define IN_MASK_CREATE 0x10000000
#endif

static int fd;

static void name(uint32_t m) {
	static const char *names[] = {"ACCESS", "MODIFY", "ATTRIB", "CLOSE_WRITE", "CLOSE_NOWRITE", "OPEN", "MOVED_FROM", "MOVED_TO", "CREATE",
				      "DELETE", "DELETE_SELF", "MOVE_SELF", "?", "UNMOUNT", "Q_OVERFLOW", "IGNORED"};
	for (int i = 0; i < 16; i++)
		if (m & 1 << i)
			printf(" %s", names[i]);
	if (m & IN_ISDIR)
		printf(" ISDIR");
}

static uint32_t firstCookie;

// events prints what has come.
static void events(const char *what) {
	char b[8192];
	int waiting = -1;
	ioctl(fd, FIONREAD, &waiting);
	int n = read(fd, b, sizeof b);
	printf("%s: %d of %d%s\n", what, n, waiting, n < 0 ? strerrorname_np(errno) : "");
	for (int i = 0; i < n;) {
		struct inotify_event *e = (void *)(b + i);
		printf("  %d", e->wd);
		name(e->mask);
		if (e->cookie) {
			if (!firstCookie)
				firstCookie = e->cookie;
			printf(" cookie %u", e->cookie - firstCookie);
		}
		printf(" %u %s\n", e->len, e->len ? e->name : "");
		i += sizeof *e + e->len;
	}
}

int main(void) {
	struct pollfd p;
	char b[4096];
	CASE("inotify files and errors of watches", "inotify_init inotify_init1 inotify_add_watch inotify_rm_watch");
	R(inotify_init() >= 0);
	S(inotify_init1, 1);
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	R(fcntl(fd, F_GETFL));
	R(fcntl(fd, F_GETFD));
	char target[64] = "", path[64];
	sprintf(path, "/proc/self/fd/%d", fd);
	R(readlink(path, target, sizeof target - 1));
	puts(target);
	R(write(fd, b, 16));
	R(lseek(fd, 0, SEEK_SET));
	mkdir("d", 0755);
	mkdir("d/sub", 0755);
	put("d/f", "text");
	R(inotify_add_watch(fd, "d", 0));
	R(inotify_add_watch(fd, "d", IN_MASK_ADD | IN_MASK_CREATE | IN_OPEN));
	R(inotify_add_watch(99, "d", IN_OPEN));
	R(inotify_add_watch(1, "d", IN_OPEN));
	R(inotify_add_watch(fd, "nope", IN_OPEN));
	R(inotify_add_watch(fd, (void *)8, IN_OPEN));
	R(inotify_add_watch(fd, "d/f", IN_OPEN | IN_ONLYDIR));
	R(inotify_rm_watch(fd, 1));
	R(inotify_rm_watch(1, 1));
	events("nothing");
	R(inotify_add_watch(fd, "d", IN_ALL_EVENTS));
	R(inotify_add_watch(fd, "d", IN_ALL_EVENTS));
	R(inotify_add_watch(fd, "d/f", IN_ALL_EVENTS));
	R(inotify_add_watch(fd, "d/f", IN_ALL_EVENTS | IN_MASK_CREATE));

	CASE("an inotify watch tells of a file and its directory", "inotify_add_watch open read write ftruncate fchmod fchown utimensat close");
	int f = open("d/f", O_RDWR);
	events("open");
	read(f, b, 2);
	read(f, b, 0);
	events("read");
	write(f, "xx", 2);
	write(f, "yy", 2);
	events("write, twice the same");
	read(f, b, 100);
	events("read at the end");
	ftruncate(f, 3);
	events("ftruncate");
	fchmod(f, 0600);
	events("fchmod");
	fchown(f, 0, 0);
	events("fchown");
	struct timespec t[2] = {{1, 0}, {2, 0}};
	futimens(f, t);
	events("futimens");
	t[0].tv_nsec = UTIME_OMIT;
	futimens(f, t);
	events("mtime");
	t[0].tv_nsec = 0, t[1].tv_nsec = UTIME_OMIT;
	futimens(f, t);
	events("atime");
	close(f);
	events("close");
	close(open("d/f", O_RDONLY));
	events("read only");
	close(open("d/f", O_PATH));
	stat("d/f", &(struct stat){});
	access("d/f", R_OK);
	events("O_PATH, stat, access");
	truncate("d/f", 0);
	chmod("d/f", 0644);
	events("by path");
	close(open("d/f", O_WRONLY | O_CREAT, 0600));
	events("O_CREAT of what exists");
	CASE("an inotify watch tells of names", "inotify_add_watch open link symlink mknod mkdir rmdir unlink rename");
	close(open("d/new", O_WRONLY | O_CREAT | O_EXCL, 0600));
	events("new");
	R(link("d/f", "d/l"));
	events("link");
	R(symlink("f", "d/s"));
	R(mkfifo("d/p", 0600));
	R(mkdir("d/m", 0755));
	events("symlink, mkfifo, mkdir");
	R(readlink("d/s", b, sizeof b) > 0);
	R(rmdir("d/m"));
	R(unlink("d/s"));
	events("rmdir, unlink");
	R(unlink("d/l"));
	events("unlink of one name");
	R(rename("d/new", "d/renamed-to-a-longer-name"));
	events("rename");
	R(inotify_add_watch(fd, "d/sub", IN_ALL_EVENTS));
	R(rename("d/renamed-to-a-longer-name", "d/sub/x"));
	events("rename to another directory");
	R(rename("d/sub/x", "d/f"));
	events("rename over a watched file");
	R(inotify_add_watch(fd, "d/f", IN_ALL_EVENTS));
	CASE("an open file that is moved and removed is watched until it ends", "inotify_add_watch rename unlink close");
	f = open("d/f", O_RDONLY);
	R(rename("d/f", "d/g"));
	events("open, rename");
	read(f, b, 1);
	fchmod(f, 0640);
	events("after it");
	R(unlink("d/g"));
	events("unlink of an open file");
	fchmod(f, 0600);
	close(f);
	events("its end");
	put("d/a", "1");
	put("d/b", "2");
	events("puts");
	R(syscall(SYS_renameat2, AT_FDCWD, "d/a", AT_FDCWD, "d/b", 2));
	events("exchange");
	R(rename("d/sub", "d/dub"));
	events("a watched directory is renamed");
	DIR *dir = opendir("d/dub");
	readdir(dir);
	closedir(dir);
	events("readdir");
	R(chdir("d"));
	R(chdir(".."));
	events("chdir");
	R(rmdir("d/dub"));
	events("rmdir of a watched directory");
	R(inotify_rm_watch(fd, 3));

	CASE("an inotify watch tells what it was asked for", "inotify_add_watch");
	R(inotify_add_watch(fd, "d", IN_CREATE));
	put("d/c", "3");
	chmod("d/c", 0600);
	events("only creation");
	R(inotify_add_watch(fd, "d", IN_DELETE | IN_MASK_ADD));
	unlink("d/c");
	put("d/c", "3");
	events("deletion too");
	R(inotify_add_watch(fd, "d", IN_ATTRIB | IN_ONESHOT));
	chmod("d/c", 0600);
	chmod("d/c", 0601);
	events("once");
	int wd = inotify_add_watch(fd, "d", IN_MODIFY | IN_EXCL_UNLINK);
	R(wd);
	f = open("d/c", O_WRONLY);
	write(f, "x", 1);
	unlink("d/c");
	write(f, "x", 1);
	close(f);
	events("not after unlink");
	wd = inotify_add_watch(fd, "d", IN_CLOSE);
	f = open("d/c", O_WRONLY | O_CREAT, 0600);
	unlink("d/c");
	close(f);
	events("after unlink");
	symlink("a", "d/s");
	R(inotify_add_watch(fd, "d/s", IN_ATTRIB));
	R(inotify_add_watch(fd, "d/s", IN_DELETE_SELF | IN_DONT_FOLLOW));
	chmod("d/a", 0600);
	unlink("d/s");
	events("of a link and its target");

	CASE("reading and polling inotify", "read poll");
	put("d/a", "1");
	put("d/b", "1");
	R(read(fd, b, 15));
	R(read(fd, b, 16));
	R(read(fd, b, 32));
	R(read(fd, b, 33));
	p = (struct pollfd){fd, POLLIN | POLLOUT, 0};
	R(poll(&p, 1, 0));
	events("the rest");
	R(poll(&p, 1, 0));
	R(inotify_add_watch(fd, "d", IN_MOVED_TO));
	pid_t pid = child();
	if (pid == 0) {
		nap(30);
		rename("d/a", "d/z");
		_exit(0);
	}
	R(poll(&p, 1, 5000));
	R(p.revents);
	firstCookie = 0;
	events("a child's rename");
	reap("child", pid);
	fcntl(fd, F_SETFL, 0);
	pid = child();
	if (pid == 0) {
		nap(30);
		rename("d/z", "d/a");
		_exit(0);
	}
	firstCookie = 0;
	events("waited");
	reap("child", pid);
	fcntl(fd, F_SETFL, O_NONBLOCK);

	CASE("devices, FIFOs and file systems are watched", "inotify_add_watch inotify_rm_watch umount2");
	R(inotify_add_watch(fd, "/dev/null", IN_ALL_EVENTS) > 0);
	f = open("/dev/null", O_RDWR);
	write(f, "x", 1);
	read(f, b, 1);
	close(f);
	int q = inotify_init1(IN_NONBLOCK), keep = fd;
	R(inotify_add_watch(q, "d/p", IN_ALL_EVENTS));
	f = open("d/p", O_RDWR);
	write(f, "x", 1);
	read(f, b, 1);
	close(f);
	fd = q;
	events("a FIFO");
	mkdir("mnt", 0755);
	R(mount("none", "mnt", "tmpfs", 0, NULL));
	put("mnt/f", "x");
	R(inotify_add_watch(q, "mnt", IN_CREATE));
	R(inotify_add_watch(q, "mnt/f", IN_CREATE));
	R(mkdir("mnt/x", 0700));
	R(umount("mnt"));
	events("umount");
	R(inotify_rm_watch(q, 2));
	close(q);
	close(keep);
	return 0;
}
