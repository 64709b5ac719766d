// Names are bytes: of files, links, attributes, sockets, threads and machines. They need be no UTF-8.
#include "abi.h"
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/xattr.h>

#define ODD "\xff\xfe\x80"

static void hex(const char *what, const char *b, long n) {
	printf("%s:", what);
	for (long i = 0; i < n; i++)
		printf(" %02x", (unsigned char)b[i]);
	printf("\n");
}

int main(int argc, char **argv) {
	char b[300];
	CASE("files, directories and links", "mkdir open rename symlink readlink getdents64 getcwd");
	R(mkdir(ODD, 0755));
	R(chdir(ODD));
	int fd = open(ODD "a", O_CREAT | O_RDWR, 0644);
	R(write(fd, "kept", 4));
	R(rename(ODD "a", ODD "b"));
	R(symlink(ODD "b", ODD "l"));
	long n = readlink(ODD "l", b, sizeof b);
	hex("link", b, n);
	R(access(ODD "l", R_OK));
	DIR *d = opendir(".");
	int seen = 0;
	for (struct dirent *e; (e = readdir(d));)
		seen += strncmp(e->d_name, ODD, 3) == 0;
	closedir(d);
	printf("%d seen\n", seen);
	getcwd(b, sizeof b);
	hex("cwd", strrchr(b, '/') + 1, strlen(strrchr(b, '/') + 1));
	snprintf(b, sizeof b, "/proc/self/fd/%d", fd);
	char to[300];
	n = readlink(b, to, sizeof to);
	hex("fd", to + n - 4, 4);
	CASE("attributes", "setxattr getxattr listxattr");
	R(setxattr(ODD "b", "trusted." ODD, ODD, 3, 0));
	n = getxattr(ODD "b", "trusted." ODD, b, sizeof b);
	hex("value", b, n);
	CASE("sockets", "bind getsockname");
	struct sockaddr_un a = {AF_UNIX, ODD "s"};
	socklen_t len = sizeof a;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	R(bind(s, (void *)&a, sizeof a));
	R(getsockname(s, (void *)&a, &len));
	hex("path", a.sun_path, strlen(a.sun_path));
	struct sockaddr_un abstract = {AF_UNIX, "\0" ODD};
	R(bind(socket(AF_UNIX, SOCK_DGRAM, 0), (void *)&abstract, 2 + 4));
	R(bind(socket(AF_UNIX, SOCK_DGRAM, 0), (void *)&abstract, 2 + 4));
	CASE("a thread and a machine", "prctl sethostname uname");
	R(prctl(PR_SET_NAME, ODD));
	R(prctl(PR_GET_NAME, b));
	hex("comm", b, strlen(b));
	R(unshare(CLONE_NEWUTS));
	R(sethostname(ODD, 3));
	struct utsname u;
	uname(&u);
	hex("host", u.nodename, strlen(u.nodename));
	CASE("a program and its arguments", "execve");
	if (argc > 1) {
		hex("argument", argv[1], strlen(argv[1]));
		return 0;
	}
	n = readlink("/proc/self/exe", b, sizeof b - 1);
	b[n] = 0;
	R(symlink(b, ODD "exe"));
	fflush(stdout);
	if (fork() == 0) {
		execl(ODD "exe", ODD, ODD, (char *)0);
		_exit(1);
	}
	int status;
	wait(&status);
	R(unlink(ODD "b"));
	R(unlink(ODD "l"));
	return 0;
}
