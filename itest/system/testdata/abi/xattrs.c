#include "abi.h"
#include <sys/xattr.h>

static int byName(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }

// list prints the names that are set here, sorted: file systems have orders of their own.
static void list(const char *what, char *b, long n) {
	char *names[32];
	int k = 0;
	printf("%s: %ld%s\n", what, n, n < 0 ? strerrorname_np(errno) : "");
	for (char *p = b; p < b + n; p += strlen(p) + 1)
		names[k++] = p;
	qsort(names, k, sizeof *names, byName);
	for (int i = 0; i < k; i++)
		printf("  %s\n", names[i]);
}

int main(void) {
	CASE("an attribute is set, read and removed", "setxattr getxattr listxattr removexattr");
	char b[4096], longName[300];
	put("f", "x");
	mkdir("d", 0755);
	symlink("f", "l");
	mkfifo("p", 0600);
	R(getxattr("f", "user.a", b, sizeof b));
	list("none", b, listxattr("f", b, sizeof b));
	R(setxattr("f", "user.a", "value", 5, 0));
	R(setxattr("f", "user.b", "", 0, 0));
	R(getxattr("f", "user.a", b, sizeof b));
	R(memcmp(b, "value", 5));
	R(getxattr("f", "user.b", b, sizeof b));
	R(getxattr("f", "user.a", NULL, 0));
	R(getxattr("f", "user.a", b, 4));
	R(getxattr("f", "user.a", (void *)8, 100));
	list("two", b, listxattr("f", b, sizeof b));
	R(listxattr("f", NULL, 0));
	R(listxattr("f", b, 13));
	R(setxattr("f", "user.a", "longer value", 12, XATTR_REPLACE));
	R(setxattr("f", "user.a", "v", 1, XATTR_CREATE));
	R(setxattr("f", "user.c", "v", 1, XATTR_REPLACE));
	R(setxattr("f", "user.c", "v", 1, XATTR_CREATE));
	R(setxattr("f", "user.c", "v", 1, 4));
	R(getxattr("f", "user.a", b, sizeof b));
	R(removexattr("f", "user.a"));
	R(removexattr("f", "user.a"));
	R(removexattr("f", "user.zzz"));
	list("left", b, listxattr("f", b, sizeof b));
	R(setxattr("d", "user.a", "of a directory", 14, 0));
	R(getxattr("d", "user.a", b, sizeof b));
	R(rename("f", "g"));
	R(getxattr("g", "user.c", b, sizeof b));
	rename("g", "f");

	CASE("names of attributes and who may have them", "setxattr getxattr listxattr lsetxattr lgetxattr llistxattr lremovexattr");
	R(setxattr("f", "nospace", "v", 1, 0));
	R(setxattr("f", "other.a", "v", 1, 0));
	R(getxattr("f", "other.a", b, sizeof b));
	R(removexattr("f", "other.a"));
	R(setxattr("f", "user.", "v", 1, 0));
	R(setxattr("f", "", "v", 1, 0));
	memset(longName, 'n', sizeof longName);
	memcpy(longName, "user.", 5);
	longName[256] = 0;
	R(setxattr("f", longName, "v", 1, 0));
	longName[255] = 0;
	R(setxattr("f", longName, "v", 1, 0));
	R(removexattr("f", longName));
	S(setxattr, "f", 8, "v", 1, 0);
	S(setxattr, "f", "user.a", 8, 1, 0);
	S(setxattr, "f", "user.a", "v", 1 << 20, 0);
	R(setxattr("nope", "user.a", "v", 1, 0));
	R(setxattr("f/x", "user.a", "v", 1, 0));
	R(setxattr("p", "user.a", "v", 1, 0));
	R(getxattr("p", "user.a", b, sizeof b));
	R(lsetxattr("l", "user.a", "v", 1, 0));
	R(lgetxattr("l", "user.a", b, sizeof b));
	R(setxattr("l", "user.through", "v", 1, 0));
	R(getxattr("f", "user.through", b, sizeof b));
	R(lsetxattr("l", "trusted.a", "v", 1, 0));
	R(lgetxattr("l", "trusted.a", b, sizeof b));
	list("of the link", b, llistxattr("l", b, sizeof b));
	R(lremovexattr("l", "trusted.a"));
	R(setxattr("f", "trusted.a", "root's", 6, 0));
	R(setxattr("f", "security.a", "root's", 6, 0));
	list("all", b, listxattr("f", b, sizeof b));
	pid_t pid = child();
	if (pid == 0) {
		chown("f", 1000, 1000);
		R(setgid(1000));
		R(setuid(1000));
		list("to another", b, listxattr("f", b, sizeof b));
		R(getxattr("f", "trusted.a", b, sizeof b));
		R(setxattr("f", "trusted.a", "v", 1, 0));
		R(setxattr("f", "security.a", "v", 1, 0));
		R(getxattr("f", "security.a", b, sizeof b));
		R(setxattr("f", "user.mine", "v", 1, 0));
		R(setxattr("d", "user.a", "v", 1, 0));
		_exit(0);
	}
	reap("another", pid);
	chmod("f", 0);
	pid = child();
	if (pid == 0) {
		setgid(1000);
		setuid(1001);
		R(getxattr("f", "user.mine", b, sizeof b));
		R(setxattr("f", "user.mine", "v", 1, 0));
		_exit(0);
	}
	reap("nobody", pid);

	CASE("attributes of open files", "fsetxattr fgetxattr flistxattr fremovexattr");
	int fd = open("d", O_RDONLY);
	R(fsetxattr(fd, "user.fd", "v", 1, 0));
	R(fgetxattr(fd, "user.fd", b, sizeof b));
	list("of d", b, flistxattr(fd, b, sizeof b));
	R(fremovexattr(fd, "user.fd"));
	R(fgetxattr(fd, "user.fd", b, sizeof b));
	R(fgetxattr(99, "user.fd", b, sizeof b));
	fd = open("d", O_PATH);
	R(fgetxattr(fd, "user.a", b, sizeof b));
	R(fsetxattr(fd, "user.a", "v", 1, 0));
	int q[2];
	pipe(q);
	R(fsetxattr(q[0], "user.a", "v", 1, 0));
	R(fgetxattr(q[0], "user.a", b, sizeof b));

	CASE("procfs has no attributes", "setxattr getxattr");
	R(setxattr("/proc/self/status", "user.a", "v", 1, 0));
	R(getxattr("/proc/self/status", "user.a", b, sizeof b));
	R(getxattr("/proc", "trusted.a", b, sizeof b));
	return 0;
}
