#include "abi.h"

static char here[PATH_MAX];

// at prints where /proc/self/fd says that a descriptor leads, from this program's directory.
static void at(const char *what, int fd) {
	char link[64], to[PATH_MAX] = "";
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	if (readlink(link, to, sizeof to - 1) < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %s\n", what, strncmp(to, here, strlen(here)) ? to : to + strlen(here));
}

int main(void) {
	if (getcwd(here, sizeof here) == NULL)
		return 1;
	CASE("an open file's path follows its name", "open rename renameat2");
	mkdir("d", 0755);
	mkdir("d/e", 0755);
	put("d/e/f", "1");
	int fd = open("d/e/f", O_RDONLY), dir = open("d/e", O_RDONLY | O_DIRECTORY), top = open("d/.", O_PATH);
	at("file", fd);
	at("directory", dir);
	at("directory by .", top);
	R(rename("d/e/f", "d/g"));
	at("file moved", fd);
	R(rename("d", "D"));
	at("file in a directory that moved", fd);
	at("directory in one that moved", dir);
	at("directory moved", top);
	put("D/h", "2");
	R(syscall(SYS_renameat2, AT_FDCWD, "D/h", AT_FDCWD, "D/g", 2 /* RENAME_EXCHANGE */));
	at("file exchanged", fd);
	CASE("what has no name any more keeps its last", "unlink rmdir rename");
	int other = open("D/g", O_RDONLY);
	R(rename("D/h", "D/g"));
	at("file that replaced", fd);
	at("file replaced", other);
	R(unlink("D/g"));
	at("file removed", fd);
	R(rmdir("D/e"));
	at("directory removed", dir);
	R(rmdir("D"));
	at("file removed with its directory", fd);
	at("directory removed by another name", top);
	mkdir("x", 0755);
	mkdir("y", 0755);
	int x = open("x", O_RDONLY), y = open("y", O_RDONLY);
	R(rename("x", "y"));
	at("directory that replaced", x);
	at("directory replaced", y);
	CASE("links, magic links and what lies in no directory", "openat symlink pipe memfd_create");
	put("t", "3");
	symlink("t", "s");
	int s = open("s", O_RDONLY), l = open("s", O_PATH | O_NOFOLLOW);
	at("through a symbolic link", s);
	at("a symbolic link", l);
	char self[64];
	snprintf(self, sizeof self, "/proc/self/fd/%d", s);
	at("through a magic link", open(self, O_RDONLY));
	at("the root", open("/", O_PATH));
	at("a device", open("/dev/null", O_RDONLY));
	at("a process's file", open("/proc/1/stat", O_RDONLY));
	CASE("a path is told from the root of who asks", "chroot");
	mkdir("r", 0755);
	put("r/in", "4");
	int in = open("r/in", O_RDONLY);
	pid_t pid = child();
	if (pid == 0) {
		int self = open("/proc/self/fd", O_PATH);
		char link[16], to[PATH_MAX] = "";
		if (chroot("r") != 0)
			_exit(1);
		snprintf(link, sizeof link, "%d", in);
		R(readlinkat(self, link, to, sizeof to - 1) > 0);
		printf("%s\n", to);
		_exit(0);
	}
	reap("chroot", pid);
	return 0;
}
