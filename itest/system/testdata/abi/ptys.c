#include "abi.h"
#include <poll.h>
#include <pty.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <termios.h>

static int master, slave;

// fresh opens a pseudo terminal.
static void fresh(void) {
	master = posix_openpt(O_RDWR | O_NOCTTY);
	grantpt(master);
	unlockpt(master);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
}

// text shows bytes with control characters as \x.
static void text(const char *what, const char *b, long n) {
	if (n < 0) {
		printf("%s: %s\n", what, strerrorname_np(errno));
		return;
	}
	printf("%s: %ld \"", what, n);
	for (long i = 0; i < n; i++)
		if (b[i] < ' ' || b[i] > '~')
			printf("\\%02x", (unsigned char)b[i]);
		else
			putchar(b[i]);
	printf("\"\n");
}

static void get(const char *what, int fd, int max) {
	char b[4096];
	struct pollfd p = {fd, POLLIN, 0};
	poll(&p, 1, 200);
	errno = 0;
	text(what, b, read(fd, b, max));
}

static int ready(int fd) {
	struct pollfd p = {fd, POLLIN | POLLOUT | POLLPRI, 0};
	poll(&p, 1, 0);
	return p.revents;
}

// say writes and gives the line discipline time, which on Linux works beside the writer.
static void say(int fd, const char *s) {
	write(fd, s, strlen(s));
	nap(20);
}

static void nonblock(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

static void names(void) {
	struct stat st, at;
	int n = -1, p = -1;
	char path[64];
	master = posix_openpt(O_RDWR | O_NOCTTY);
	R(master >= 0);
	R(ioctl(master, TIOCGPTN, &n));
	snprintf(path, sizeof path, "/dev/pts/%d", n);
	R(strcmp(ptsname(master), path));
	R(stat(path, &st));
	R(major(st.st_rdev));
	R(minor(st.st_rdev) == n);
	R(S_ISCHR(st.st_mode));
	R(ioctl(master, TIOCGPTLCK, &p));
	R(p);
	R(open(path, O_RDWR | O_NOCTTY)); // locked
	R(unlockpt(master));
	R(ioctl(master, TIOCGPTLCK, &p));
	R(p);
	slave = open(path, O_RDWR | O_NOCTTY);
	R(slave >= 0);
	R(isatty(slave));
	R(isatty(master));
	R(strcmp(ttyname(slave), path));
	R(fstat(slave, &at));
	R(at.st_ino == st.st_ino && at.st_dev == st.st_dev);
	fstat(master, &at);
	R(major(at.st_rdev));
	R(minor(at.st_rdev));
	unsigned dev = 0;
	R(ioctl(slave, TIOCGDEV, &dev));
	R(dev >> 8);
	R(ioctl(slave, TIOCGPTN, &n));
	R(lseek(slave, 0, SEEK_CUR));
	char b[4];
	R(pread(slave, b, 1, 0));
	R(ftruncate(slave, 0));
	R(fsync(slave));
	int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	R(peer >= 0);
	R(fcntl(peer, F_GETFD));
	R(ttyname(peer) != NULL);
	close(peer);
	int second = posix_openpt(O_RDWR | O_NOCTTY), m = -1;
	ioctl(second, TIOCGPTN, &m);
	R(m != n);
	close(second);
	close(slave);
	close(master);
	R(stat(path, &st));
}

static void typing(void) {
	struct termios t;
	fresh();
	R(tcgetattr(slave, &t));
	R(t.c_iflag);
	R(t.c_oflag);
	R(t.c_cflag);
	R(t.c_lflag);
	text("cc", (char *)t.c_cc, 19);
	R(cfgetospeed(&t) == B38400);
	struct winsize w = {1, 1, 1, 1};
	R(ioctl(slave, TIOCGWINSZ, &w));
	printf("%d %d %d %d\n", w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
	nonblock(master);
	nonblock(slave);
	get("nothing yet", slave, 10);
	get("nothing written", master, 10);
	say(master, "hello\r");
	get("echo", master, 100);
	get("line", slave, 100);
	say(master, "abc\x7f\x7fX\n");
	get("erased", slave, 100);
	get("echo", master, 100);
	say(master, "one two\x17three\n");
	get("word", slave, 100);
	get("echo", master, 100);
	say(master, "gone\x15kept\n");
	get("kill", slave, 100);
	get("echo", master, 100);
	say(master, "\x16\x03lit\n");
	get("literal", slave, 100);
	get("echo", master, 100);
	say(master, "par");
	get("partial", slave, 100);
	int n = -1;
	R(ioctl(slave, FIONREAD, &n));
	R(n);
	say(master, "\x04");
	get("eof behind text", slave, 100);
	say(master, "\x04");
	get("eof", slave, 100);
	get("echo", master, 100);
	say(master, "a\nb\nc");
	get("first", slave, 100);
	get("second", slave, 1);
	get("rest", slave, 100);
	get("third", slave, 100);
	R(tcflush(slave, TCIFLUSH));
	say(master, "\n");
	get("after flush", slave, 100);
	tcflush(master, TCIFLUSH);
	get("flushed", master, 100);
	say(slave, "a\tb\n\x1b[m\r\n");
	get("output", master, 100);
	R(ioctl(master, FIONREAD, &n));
	R(n);
	close(slave);
	close(master);
}

static void raw(void) {
	struct termios t;
	fresh();
	tcgetattr(slave, &t);
	cfmakeraw(&t);
	R(tcsetattr(slave, TCSANOW, &t));
	nonblock(master);
	say(master, "\x03x\r");
	get("raw", slave, 100);
	get("no echo", master, 100);
	say(slave, "a\nb");
	get("no crlf", master, 100);
	t.c_cc[VMIN] = 0;
	tcsetattr(slave, TCSANOW, &t);
	get("at once", slave, 100);
	t.c_cc[VTIME] = 2;
	tcsetattr(slave, TCSANOW, &t);
	get("in time", slave, 100);
	t.c_cc[VMIN] = 5, t.c_cc[VTIME] = 2;
	tcsetattr(slave, TCSANOW, &t);
	say(master, "abc");
	R(ready(slave));
	get("between", slave, 100);
	t.c_cc[VTIME] = 0;
	tcsetattr(slave, TCSANOW, &t);
	pid_t pid = child();
	if (pid == 0) {
		nap(50);
		say(master, "12");
		nap(50);
		say(master, "345");
		_exit(0);
	}
	get("five", slave, 100);
	reap("writer", pid);
	say(master, "12");
	R(ready(slave));
	get("fewer", slave, 2);
	t.c_lflag |= ICANON;
	say(master, "raw");
	tcsetattr(slave, TCSANOW, &t);
	get("becomes a line", slave, 100);
	t.c_cflag = CS7 | PARENB | B9600;
	R(tcsetattr(slave, TCSANOW, &t));
	tcgetattr(slave, &t);
	R(t.c_cflag);
	tcgetattr(master, &t);
	R(t.c_cflag);
	R(tcdrain(slave));
	R(tcsendbreak(slave, 0));
	close(slave);
	close(master);
}

static void ends(void) {
	fresh();
	nonblock(master);
	R(ready(master));
	R(ready(slave));
	say(slave, "last");
	R(ready(master));
	close(slave);
	R(ready(master));
	get("what is left", master, 100);
	get("slave closed", master, 100);
	R(ready(master));
	R(write(master, "x\n", 2));
	nap(20);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK);
	R(ready(master));
	get("waited for", slave, 100);
	get("echo", master, 100);
	close(master);
	R(ready(slave));
	get("master closed", slave, 100);
	R(write(slave, "x", 1));
	R(isatty(slave));
	struct winsize w;
	R(ioctl(slave, TIOCGWINSZ, &w));
	R(tcgetpgrp(slave));
	R(tcsetpgrp(slave, 1));
	close(slave);
}

static void watched(void) {
	fresh();
	int e = epoll_create1(0);
	struct epoll_event ev = {EPOLLIN | EPOLLET, {.u32 = 1}}, got;
	R(epoll_ctl(e, EPOLL_CTL_ADD, slave, &ev));
	ev.data.u32 = 2;
	R(epoll_ctl(e, EPOLL_CTL_ADD, master, &ev));
	R(epoll_wait(e, &got, 1, 0));
	say(master, "a\n");
	int seen = 0;
	while (epoll_wait(e, &got, 1, 0) == 1)
		seen |= got.data.u32;
	R(seen);
	say(slave, "b");
	R(epoll_wait(e, &got, 1, 0));
	R(got.data.u32);
	close(master);
	R(epoll_wait(e, &got, 1, 0));
	R(got.data.u32);
	R(got.events);
	close(slave);
	close(e);
}

static void packets(void) {
	int on = 1, n = 0;
	struct termios t;
	fresh();
	nonblock(master);
	R(ioctl(master, TIOCPKT, &on));
	R(ioctl(master, TIOCGPKT, &n));
	R(n);
	R(ioctl(slave, TIOCPKT, &on));
	say(slave, "data");
	get("packet", master, 100);
	R(tcflush(slave, TCIOFLUSH));
	R(ready(master) & (POLLIN | POLLPRI));
	get("flushed", master, 100);
	get("nothing", master, 100);
	R(tcflow(slave, TCOOFF));
	get("stopped", master, 100);
	R(tcflow(slave, TCOON));
	get("started", master, 100);
	tcgetattr(slave, &t);
	t.c_iflag &= ~IXON;
	tcsetattr(slave, TCSANOW, &t);
	get("no flow control", master, 100);
	t.c_iflag |= IXON;
	tcsetattr(slave, TCSANOW, &t);
	get("flow control", master, 100);
	say(slave, "abcdef");
	get("short", master, 3);
	get("rest", master, 100);
	close(slave);
	close(master);
}

static void stops(void) {
	fresh();
	nonblock(master);
	nonblock(slave);
	say(master, "\x13");
	R(write(slave, "held", 4));
	R(ready(slave) & POLLOUT);
	say(master, "\x11");
	R(write(slave, "free", 4));
	get("free", master, 100);
	long total = 0, r;
	char b[1024];
	memset(b, 'x', sizeof b);
	while ((r = write(slave, b, sizeof b)) > 0)
		total += r;
	R(r);
	R(total > 2000);
	while ((r = read(master, b, sizeof b)) > 0)
		total -= r;
	R(total);
	R(ready(slave) & POLLOUT);
	close(slave);
	close(master);
}

int main(void) {
	names();
	typing();
	raw();
	ends();
	watched();
	packets();
	stops();
	return 0;
}
