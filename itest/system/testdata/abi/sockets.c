#include "abi.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static char big[600000];

static int ready(int fd, int events) {
	struct pollfd p = {fd, events, 0};
	if (poll(&p, 1, 0) < 0)
		return -1;
	return p.revents;
}

#define ALL (POLLIN | POLLOUT | POLLRDHUP | POLLPRI)
#define P(fd) printf("%s is %x\n", #fd, ready(fd, ALL))

static void kinds(void) {
	int p[2];
	S(socket, 99, SOCK_STREAM, 0);
	S(socket, -1, SOCK_STREAM, 0);
	S(socket, AF_UNIX, 9, 0);
	S(socket, AF_UNIX, 99, 0);
	S(socket, AF_UNIX, SOCK_RDM, 0);
	S(socket, AF_UNIX, SOCK_STREAM, 7);
	S(socket, AF_UNIX, SOCK_STREAM | 0x100000, 0);
	S(socket, AF_IPX, SOCK_STREAM, 0);
	S(socketpair, AF_UNIX, SOCK_STREAM, 7, p);
	S(socketpair, AF_UNIX, SOCK_STREAM, 0, 8);
	S(socketpair, AF_NETLINK, SOCK_RAW, 0, p);
	for (int typ = 1; typ <= 5; typ++) {
		int s = socket(AF_UNIX, typ | SOCK_CLOEXEC | SOCK_NONBLOCK, AF_UNIX);
		if (s < 0)
			continue;
		int v;
		socklen_t n = sizeof v;
		R(fcntl(s, F_GETFL));
		R(fcntl(s, F_GETFD));
		R(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &n));
		R(v);
		P(s);
		R(write(s, "a", 1));
		R(read(s, big, 1));
		close(s);
	}
	struct stat st;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	R(fstat(s, &st));
	R(st.st_mode);
	R(st.st_nlink);
	R(st.st_size);
	R(lseek(s, 0, SEEK_SET));
	R(pread(s, big, 1, 0));
	R(fsync(s));
	R(ioctl(s, 0x5401, big));
	R(ftruncate(s, 0));
	char link[64], path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", s);
	int n = readlink(path, link, sizeof link);
	R(n > 9 && !memcmp(link, "socket:[", 8));
	R(atol(link + 8) == (long)st.st_ino);
	close(s);
	R(listen(0, 1));
	R(listen(99, 1));
	s = open("/dev/null", O_RDWR);
	R(send(s, "a", 1, 0));
	R(accept(s, 0, 0));
	R(shutdown(s, 0));
	close(s);
}

static void pair(int typ) {
	int p[2], n;
	char b[100] = {0};
	printf("type %d\n", typ);
	R(socketpair(AF_UNIX, typ, 0, p));
	P(p[0]);
	R(write(p[0], "hello", 5));
	P(p[1]);
	R(ioctl(p[1], FIONREAD, &n));
	R(n);
	R(recv(p[1], b, 3, MSG_PEEK));
	R(recv(p[1], b, 3, MSG_PEEK | MSG_TRUNC));
	R(recv(p[1], b, 3, 0));
	R(recv(p[1], b, 3, MSG_DONTWAIT));
	R(recv(p[1], b, 3, MSG_DONTWAIT));
	R(write(p[1], "one", 3));
	R(write(p[1], "three", 5));
	R(ioctl(p[0], FIONREAD, &n));
	R(n);
	R(recv(p[0], b, 100, MSG_DONTWAIT));
	R(recv(p[0], b, 100, MSG_DONTWAIT));
	R(send(p[0], "", 0, 0));
	R(recv(p[1], b, 100, MSG_DONTWAIT));
	R(read(p[1], b, 0));
	R(send(p[0], "a", 1, MSG_OOB | MSG_DONTWAIT) < 2);
	R(recv(p[1], b, 100, MSG_DONTWAIT) < 2);
	struct iovec v[6] = {{"ab", 2}, {"", 0}, {"cd", 2}, {"ef", 2}, {"gh", 2}, {"ij", 2}};
	R(writev(p[0], v, 6));
	char c[6][3] = {{0}};
	struct iovec w[6];
	for (int i = 0; i < 6; i++)
		w[i] = (struct iovec){c[i], i == 1 ? 0 : 3};
	R(readv(p[1], w, 6));
	for (int i = 0; i < 6; i++)
		printf("%d %.3s\n", i, c[i]);
	R(writev(p[0], v, 3));
	R(readv(p[1], w, 3));
	R(sendto(p[0], "x", 1, 0, 0, 0));
	R(recvfrom(p[1], b, 9, 0, 0, 0));
	R(fcntl(p[0], F_SETFL, O_NONBLOCK));
	R(read(p[0], b, 1));
	R(write(p[0], (char *)8, 4));
	R(write(p[0], "y", 1));
	if (typ == SOCK_STREAM)
		R(read(p[1], (char *)8, 4));
	R(recv(p[1], b, 4, MSG_DONTWAIT));
	signal(SIGPIPE, SIG_IGN);
	R(shutdown(p[0], SHUT_WR));
	P(p[0]);
	P(p[1]);
	R(write(p[0], "z", 1));
	R(recv(p[1], b, 4, MSG_DONTWAIT));
	R(shutdown(p[1], 5));
	R(shutdown(p[1], SHUT_RDWR));
	P(p[0]);
	P(p[1]);
	close(p[0]);
	P(p[1]);
	R(recv(p[1], b, 4, MSG_DONTWAIT));
	R(send(p[1], "a", 1, 0));
	close(p[1]);

	// The other end goes away, with something unread and without.
	for (int unread = 0; unread < 2; unread++) {
		R(socketpair(AF_UNIX, typ, 0, p));
		R(write(p[0], "kept", 4));
		if (unread)
			R(write(p[1], "lost", 4));
		close(p[1]);
		P(p[0]);
		R(recv(p[0], b, 4, MSG_DONTWAIT));
		R(recv(p[0], b, 4, MSG_DONTWAIT));
		R(send(p[0], "x", 1, MSG_NOSIGNAL));
		R(send(p[0], "x", 1, MSG_NOSIGNAL));
		close(p[0]);
		R(socketpair(AF_UNIX, typ, 0, p));
		R(write(p[0], "kept", 4));
		close(p[0]);
		P(p[1]);
		R(read(p[1], b, 9));
		close(p[1]);
	}
}

// SIGPIPE is for streams, and not with MSG_NOSIGNAL.
static int pipes;
static void onpipe(int sig) { pipes++; }

static void signals(void) {
	for (int typ = 1; typ <= 5; typ += typ == 1 ? 1 : 3) {
		int p[2];
		signal(SIGPIPE, onpipe);
		pipes = 0;
		R(socketpair(AF_UNIX, typ, 0, p));
		close(p[1]);
		R(send(p[0], "a", 1, MSG_NOSIGNAL));
		R(pipes);
		R(send(p[0], "a", 1, 0));
		R(pipes);
		R(write(p[0], "a", 1));
		R(pipes);
		struct iovec v = {"a", 1};
		R(writev(p[0], &v, 1));
		R(pipes);
		struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
		R(sendmsg(p[0], &m, 0));
		R(pipes);
		close(p[0]);
	}
	signal(SIGPIPE, SIG_IGN);
}

// Much goes through a stream whose ends wait for each other.
static void much(void) {
	int p[2];
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	pid_t c = child();
	if (c == 0) {
		close(p[0]);
		long sum = 0, total = 0, n;
		while ((n = read(p[1], big, 7001)) > 0)
			for (long i = 0; i < n; i++, total++)
				sum = sum * 31 + big[i];
		printf("%ld bytes, sum %lx\n", total, sum);
		_exit(0);
	}
	close(p[1]);
	for (int i = 0; i < (int)sizeof big; i++)
		big[i] = i * 7 + i / 250;
	R(write(p[0], big, sizeof big));
	R(send(p[0], big, 300000, 0));
	struct iovec v[7];
	for (int i = 0; i < 7; i++)
		v[i] = (struct iovec){big + i * 1000, 50000};
	R(writev(p[0], v, 7));
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 7};
	R(sendmsg(p[0], &m, 0));
	close(p[0]);
	reap("reader", c);

	R(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	c = child();
	if (c == 0) {
		for (int i = 0; i < 50; i++) {
			write(p[1], big + 100 * i, 100);
			usleep(1000);
		}
		_exit(0);
	}
	R(recv(p[0], big, 3000, MSG_WAITALL));
	close(p[1]);
	R(recv(p[0], big, 3000, MSG_WAITALL));
	R(recv(p[0], big, 3000, MSG_WAITALL));
	reap("writer", c);
	close(p[0]);
}

// Full buffers.
static void full(int typ) {
	int p[2], n = 0;
	printf("type %d\n", typ);
	R(socketpair(AF_UNIX, typ | SOCK_NONBLOCK, 0, p));
	P(p[0]);
	while (write(p[0], big, 4096) == 4096)
		n++;
	R(errno == EAGAIN);
	R(n > 20 && n < 100);
	P(p[0]);
	R(send(p[0], big, 300000, 0) < 0);
	int k = 0, q;
	R(ioctl(p[0], TIOCOUTQ, &q));
	R(q > 100000);
	while (k < n && read(p[1], big, 4096) == 4096)
		k++;
	R(k == n);
	P(p[0]);
	P(p[1]);
	R(ioctl(p[0], TIOCOUTQ, &q));
	R(q);
	close(p[0]);
	close(p[1]);
}

// Edges: new data is one even when the old was not read; room is one.
static void edges(void) {
	int p[2], e = epoll_create1(0);
	struct epoll_event v = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP, .data.u32 = 7}, got[4];
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	R(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &v));
	R(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &v));
	R(epoll_wait(e, got, 4, 0));
	for (int i = 0; i < 2; i++) {
		R(write(p[1], "a", 1));
		R(epoll_wait(e, got, 4, 0));
		R(got[0].events);
		R(got[0].data.u32);
		R(epoll_wait(e, got, 4, 0));
	}
	v.events = EPOLLIN | EPOLLOUT;
	R(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &v));
	R(epoll_wait(e, got, 4, 0));
	R(got[0].events);
	v.events = EPOLLIN | EPOLLONESHOT;
	R(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &v));
	R(epoll_wait(e, got, 4, 0));
	R(epoll_wait(e, got, 4, 0));
	R(epoll_ctl(e, EPOLL_CTL_DEL, p[0], 0));
	R(epoll_ctl(e, EPOLL_CTL_DEL, p[0], 0));
	R(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &v));
	v.events = EPOLLIN;
	R(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &v));
	close(p[0]);
	R(epoll_wait(e, got, 4, 0));
	close(p[1]);
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	R(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &v));
	close(p[1]);
	R(epoll_wait(e, got, 4, 0));
	R(got[0].events);
	close(p[0]);
	close(e);
}

static void unconnected(void) {
	int p[2], s = socket(AF_UNIX, SOCK_STREAM, 0), q = socket(AF_UNIX, SOCK_SEQPACKET, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0);
	char b[8];
	void *nowhere = (void *)8;
	R(read(s, b, 1));
	R(read(q, b, 1));
	R(write(s, b, 1));
	R(write(q, b, 1));
	R(write(d, b, 1));
	R(read(s, b, 0));
	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	R(write(p[0], nowhere, 4));
	R(write(p[0], "abcd", 4));
	R(read(p[1], nowhere, 4));
	R(recv(p[1], nowhere, 4, 0));
	R(fstat(p[1], nowhere));
	R(read(p[1], b, sizeof b));
	close(p[0]);
	close(p[1]);
	close(s);
	close(q);
	close(d);
}

int main(void) {
	CASE("kinds of sockets, and a socket as a file", "socket socketpair");
	kinds();
	CASE("a pair: bytes or datagrams, peeking, truncation, vectors, ends that close", "socketpair sendto recvfrom shutdown read write readv writev");
	pair(SOCK_STREAM);
	pair(SOCK_DGRAM);
	pair(SOCK_SEQPACKET);
	CASE("SIGPIPE is a stream's", "sendto sendmsg");
	signals();
	CASE("much through a stream; MSG_WAITALL", "sendto sendmsg recvfrom");
	much();
	CASE("full buffers", "write ioctl");
	full(SOCK_STREAM);
	full(SOCK_DGRAM);
	CASE("reading and writing sockets that are not connected, and memory that is not there", "read write readv writev");
	unconnected();
	CASE("sockets in epoll", "epoll_ctl epoll_wait");
	edges();
	return 0;
}
