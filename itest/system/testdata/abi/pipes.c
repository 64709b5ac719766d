#include "abi.h"
#include <sys/ioctl.h>
#include <poll.h>

static char big[200000];

int main(void) {
	CASE("a pipe: sizes, ends, non-blocking", "pipe2 read write ioctl fcntl");
	int p[2], n;
	char buf[100];
	signal(SIGPIPE, SIG_IGN);
	R(pipe(p));
	R(p[1] - p[0]);
	R(write(p[1], "hello", 5));
	R(ioctl(p[0], FIONREAD, &n));
	R(n);
	R(read(p[0], buf, 3));
	R(read(p[0], buf, 3));
	R(lseek(p[0], 0, SEEK_SET));
	R(pread(p[0], buf, 1, 0));
	R(read(p[1], buf, 1));
	R(write(p[0], buf, 1));
	R(fcntl(p[0], F_SETFL, O_NONBLOCK));
	R(read(p[0], buf, 1));
	R(fcntl(p[1], F_SETFL, O_NONBLOCK));
	R(write(p[1], big, sizeof big));
	R(write(p[1], big, 1));
	R(read(p[0], big, 65536));
	R(read(p[0], big, 65536));
	struct stat st;
	R(fstat(p[0], &st));
	R(S_ISFIFO(st.st_mode));
	R(st.st_size);
	CASE("end of file and hang-up", "read poll");
	close(p[1]);
	R(read(p[0], buf, 1));
	struct pollfd f = {p[0], POLLIN, 0};
	R(poll(&f, 1, 0));
	R(f.revents);
	close(p[0]);
	pipe(p);
	close(p[0]);
	R(write(p[1], "x", 1));
	f = (struct pollfd){p[1], POLLOUT, 0};
	R(poll(&f, 1, 0));
	R(f.revents);
	close(p[1]);
	CASE("pipe2 flags", "pipe2 fcntl");
	R(pipe2(p, O_CLOEXEC | O_NONBLOCK));
	R(fcntl(p[0], F_GETFD));
	R(fcntl(p[0], F_GETFL) & O_NONBLOCK);
	close(p[0]);
	close(p[1]);
	pipe(p);
	R(fcntl(p[0], F_GETPIPE_SZ));
	R(fcntl(p[1], F_SETPIPE_SZ, 65536));
	R(fcntl(0, F_GETPIPE_SZ));
	close(p[0]);
	close(p[1]);
	R(pipe2(p, 0x40));
	R(pipe((int *)8));

	CASE("a pipe holds as much as it is told to", "fcntl read write poll");
	pipe2(p, O_NONBLOCK);
	R(fcntl(p[0], F_SETPIPE_SZ, 0));
	R(fcntl(p[0], F_SETPIPE_SZ, 4097));
	R(fcntl(p[0], F_SETPIPE_SZ, (1u << 31) + 1));
	R(fcntl(p[0], F_SETPIPE_SZ, -1));
	R(fcntl(p[0], F_GETPIPE_SZ));
	R(write(p[1], big, 12288));
	R(write(p[1], big, 1));
	f = (struct pollfd){p[1], POLLOUT, 0};
	R(poll(&f, 1, 0));
	R(fcntl(p[1], F_SETPIPE_SZ, 4096));
	R(fcntl(p[1], F_SETPIPE_SZ, 16384));
	R(poll(&f, 1, 0));
	memset(big, 'p', 4096);
	R(write(p[1], big, 4096));
	R(read(p[0], big, 4096));
	R(write(p[1], big, 12288));
	R(fcntl(p[1], F_SETPIPE_SZ, 8192));
	R(fcntl(p[1], F_SETPIPE_SZ, 1 << 20));
	R(read(p[0], big, 4096));
	R(read(p[0], big, 8192));
	R(big[0] == 'p' && big[4095] == 'p' && big[4096] == 0);
	R(read(p[0], big, 4096));
	R(write(p[1], big, sizeof big));
	pid_t user = child();
	if (user == 0) {
		setuid(1000);
		R(fcntl(p[0], F_SETPIPE_SZ, 1 << 19));
		R(fcntl(p[0], F_SETPIPE_SZ, 1 << 21));
		fflush(stdout);
		_exit(0);
	}
	reap("user", user);
	close(p[0]);
	close(p[1]);

	CASE("a writer waits for room", "read write");
	// A child writes more than the pipe holds.
	pipe(p);
	pid_t pid = child();
	if (pid == 0) {
		close(p[0]);
		memset(big, 'b', sizeof big);
		_exit(write(p[1], big, sizeof big) == sizeof big ? 5 : 6);
	}
	close(p[1]);
	long total = 0, got;
	while ((got = read(p[0], big, 5000)) > 0)
		total += got;
	R(total);
	reap("writer", pid);
	close(p[0]);

	CASE("SIGPIPE ends a writer", "write");
	// SIGPIPE ends a writer.
	pipe(p);
	close(p[0]);
	pid = child();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		write(p[1], "x", 1);
		_exit(1);
	}
	reap("sigpipe", pid);
	close(p[1]);

	CASE("two processes take turns", "read write");
	// Two processes take turns.
	int q[2];
	pipe(p);
	pipe(q);
	pid = child();
	if (pid == 0) {
		char c;
		for (int i = 0; i < 100; i++) {
			if (read(p[0], &c, 1) != 1)
				_exit(1);
			c++;
			if (write(q[1], &c, 1) != 1)
				_exit(2);
		}
		_exit(0);
	}
	char c = 0;
	for (int i = 0; i < 100; i++) {
		write(p[1], &c, 1);
		if (read(q[0], &c, 1) != 1)
			break;
	}
	R(c);
	reap("ping", pid);

	CASE("offsets are shared through fork and dup", "dup lseek fork");
	// tee-like sharing of offsets.
	put("s", "abcdef");
	int a = open("s", O_RDONLY), b = dup(a);
	read(a, buf, 2);
	R(lseek(b, 0, SEEK_CUR));
	pid = child();
	if (pid == 0) {
		read(a, buf, 3);
		_exit(0);
	}
	reap("share", pid);
	R(lseek(b, 0, SEEK_CUR));
	return 0;
}
