// echo N: a client talks N rounds to an echo server, both with epoll. Each round's bytes go there and back over one of two connections; in
// some rounds a connection is made anew, or the end of a pipe goes along, into which the server writes; every round ends with a datagram.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 30000 };
static struct sockaddr_un addr = {AF_UNIX, "/tmp/echo"};

static void fail(const char *what) {
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

// watch puts fd into an epoll file, edge-triggered.
static void watch(int e, int fd) {
	struct epoll_event v = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = fd};
	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (epoll_ctl(e, EPOLL_CTL_ADD, fd, &v) < 0)
		fail("epoll_ctl");
}

// all writes everything, waiting where the buffer is full.
static void all(int fd, const char *b, int n) {
	int e = epoll_create1(0);
	struct epoll_event v = {.events = EPOLLOUT};
	if (epoll_ctl(e, EPOLL_CTL_ADD, fd, &v) < 0)
		fail("epoll_ctl of a writer");
	while (n > 0) {
		int k = write(fd, b, n);
		if (k < 0 && errno != EAGAIN)
			fail("write");
		if (k > 0)
			b += k, n -= k;
		else if (epoll_wait(e, &v, 1, -1) < 0)
			fail("wait to write");
	}
	close(e);
}

// echo sends back what a connection has, and answers through a pipe that came along. 0: the connection is gone.
static int echo(int fd) {
	static char b[MOST];
	union {
		char b[64];
		struct cmsghdr align;
	} c;
	for (;;) {
		struct iovec v = {b, sizeof b};
		struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c.b, .msg_controllen = sizeof c.b};
		int n = recvmsg(fd, &m, 0);
		if (n == 0)
			return 0;
		if (n < 0)
			return errno == EAGAIN ? 1 : (fail("recvmsg"), 0);
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);
		if (h && h->cmsg_type == SCM_RIGHTS) {
			int p;
			memcpy(&p, CMSG_DATA(h), 4);
			if (write(p, "along", 5) != 5)
				fail("write to the pipe");
			close(p);
		}
		all(fd, b, n);
	}
}

static void serve(int l, int d, int rounds) {
	int e = epoll_create1(0), datagrams = 0;
	watch(e, l);
	watch(e, d);
	for (;;) {
		struct epoll_event v[4];
		int n = epoll_wait(e, v, 4, -1);
		if (n < 0)
			fail("epoll_wait");
		for (int i = 0; i < n; i++) {
			int fd = v[i].data.fd, a;
			char b[16];
			if (fd == l) {
				while ((a = accept(l, 0, 0)) >= 0)
					watch(e, a);
			} else if (fd == d) {
				int k;
				while ((k = recv(d, b, sizeof b, 0)) >= 0) {
					if (k != sizeof(int) || *(int *)b != datagrams)
						printf("datagram %d is %d\n", datagrams, *(int *)b), exit(1);
					datagrams++;
				}
			} else if (!echo(fd)) {
				close(fd);
			}
		}
		if (datagrams == rounds)
			exit(7);
	}
}

static int dial(void) {
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(s, (void *)&addr, sizeof addr) < 0)
		fail("connect");
	return s;
}

// talk sends bytes, with the end of a pipe if p is one, and waits for them to come back.
static void talk(int e, int s, int round, int p) {
	static char out[MOST], in[MOST];
	int n = 1 + round * 7919 % MOST, got = 0;
	for (int i = 0; i < n; i++)
		out[i] = round + i * 3;
	int first = 1;
	if (p >= 0) {
		union {
			char b[CMSG_SPACE(4)];
			struct cmsghdr align;
		} c;
		struct iovec v = {out, 1};
		struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c.b, .msg_controllen = sizeof c.b};
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);
		*h = (struct cmsghdr){CMSG_LEN(4), SOL_SOCKET, SCM_RIGHTS};
		memcpy(CMSG_DATA(h), &p, 4);
		if (sendmsg(s, &m, 0) != 1)
			fail("sendmsg");
		close(p);
	} else
		first = 0;
	all(s, out + first, n - first);
	while (got < n) {
		struct epoll_event v;
		int k = recv(s, in + got, n - got, 0);
		if (k == 0)
			printf("the server hung up in round %d\n", round), exit(1);
		if (k < 0 && errno != EAGAIN)
			fail("recv");
		if (k > 0)
			got += k;
		else if (epoll_wait(e, &v, 1, -1) < 0)
			fail("wait to read");
	}
	if (memcmp(in, out, n))
		printf("round %d: another echo\n", round), exit(1);
}

int main(int argc, char **argv) {
	int rounds = atoi(argv[1]), l = socket(AF_UNIX, SOCK_STREAM, 0), d[2], status;
	setvbuf(stdout, 0, _IOLBF, 0);
	if (bind(l, (void *)&addr, sizeof addr) < 0 || listen(l, 4) < 0 || socketpair(AF_UNIX, SOCK_DGRAM, 0, d) < 0)
		fail("server");
	if (fork() == 0) {
		close(d[0]);
		serve(l, d[1], rounds);
	}
	close(l);
	close(d[1]);
	int e = epoll_create1(0), s[2] = {dial(), dial()};
	for (int i = 0; i < 2; i++)
		watch(e, s[i]);
	for (int i = 0; i < rounds; i++) {
		int p[2] = {-1, -1};
		char b[9];
		if (i % 7 == 3 && pipe(p) < 0)
			fail("pipe");
		talk(e, s[i % 2], i, p[1]);
		if (p[1] >= 0) {
			if (read(p[0], b, 9) != 5 || memcmp(b, "along", 5) || read(p[0], b, 9) != 0)
				fail("the pipe");
			close(p[0]);
		}
		if (i % 10 == 9) {
			close(s[i / 10 % 2]);
			watch(e, s[i / 10 % 2] = dial());
		}
		if (send(d[0], &i, sizeof i, 0) != sizeof i)
			fail("send");
		printf("round %d\n", i);
	}
	if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
		printf("the server ended with %x\n", status), exit(1);
	return 42;
}
