#include "abi.h"
#include <sys/ioctl.h>

// Files that are no terminals say so in every way; widths of results.
int main(void) {
	CASE("what is no terminal says so", "ioctl");
	struct {
		int v, guard;
	} n = {-1, 0x5a5a5a5a};
	char buf[256];
	int p[2];
	pipe(p);
	int fd = open("f", O_CREAT | O_RDWR, 0600), null = open("/dev/null", O_RDWR);
	int fds[] = {fd, null, p[0]};
	for (int i = 0; i < 3; i++) {
		R(isatty(fds[i]));
		R(ioctl(fds[i], 0x802c542a /* TCGETS2 */, buf));
		R(ioctl(fds[i], TIOCGPGRP, &n));
		R(ioctl(fds[i], 0x12345678, buf));
		R(ioctl(fds[i], TIOCSCTTY, 0));
	}
	R(ioctl(99, TCGETS, buf));
	CASE("results are as wide as they are", "ioctl wait4");
	write(p[1], "abc", 3);
	R(ioctl(p[0], FIONREAD, &n.v));
	R(n.v);
	R(n.guard == 0x5a5a5a5a); // four bytes, not eight
	int on = 1;
	R(ioctl(p[0], FIONBIO, &on));
	read(p[0], buf, 3);
	R(read(p[0], buf, 3));
	on = 0;
	R(ioctl(p[0], FIONBIO, &on));
	R(fcntl(p[0], F_GETFL) & O_NONBLOCK);
	pid_t pid = child();
	if (pid == 0)
		_exit(77);
	struct {
		int s, guard;
	} s = {0, 0x5a5a5a5a};
	R(waitpid(pid, &s.s, 0) == pid);
	R(s.s);
	R(s.guard == 0x5a5a5a5a);
	R(tcgetpgrp(fd));
	R(tcsetpgrp(fd, 1));
	return 0;
}
