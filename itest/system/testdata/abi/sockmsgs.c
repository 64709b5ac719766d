#include "abi.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static char data[70000];

// give sends text with fds and perhaps credentials.
static int give(int s, const char *text, int *fds, int n, struct ucred *u) {
	union {
		char b[2000];
		struct cmsghdr align;
	} c;
	struct iovec v = {(char *)text, strlen(text)};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c.b, .msg_controllen = sizeof c};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	size_t len = 0;
	memset(&c, 0, sizeof c);
	if (n) {
		*h = (struct cmsghdr){CMSG_LEN(4 * n), SOL_SOCKET, SCM_RIGHTS};
		memcpy(CMSG_DATA(h), fds, 4 * n);
		len = CMSG_SPACE(4 * n);
		h = (struct cmsghdr *)(c.b + len);
	}
	if (u) {
		*h = (struct cmsghdr){CMSG_LEN(sizeof *u), SOL_SOCKET, SCM_CREDENTIALS};
		memcpy(CMSG_DATA(h), u, sizeof *u);
		len += CMSG_SPACE(sizeof *u);
	}
	m.msg_controllen = len;
	return sendmsg(s, &m, MSG_DONTWAIT);
}

static int got[300], ngot;

// take receives with that much room, and prints what came.
static void take(const char *what, int s, int room, size_t control, int flags) {
	union {
		char b[2000];
		struct cmsghdr align;
	} c;
	struct sockaddr_un from;
	struct iovec v = {data, room};
	struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1, .msg_control = c.b, .msg_controllen = control};
	int n = recvmsg(s, &m, flags | MSG_DONTWAIT);
	ngot = 0;
	if (n < 0) {
		printf("%s: %s\n", what, strerrorname_np(errno));
		return;
	}
	printf("%s: %d %.*s flags %x control %zu name %d", what, n, n < room ? n : room, data, m.msg_flags, m.msg_controllen, m.msg_namelen);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		printf(" [%d %d %zu", h->cmsg_level, h->cmsg_type, h->cmsg_len);
		if (h->cmsg_type == SCM_RIGHTS) {
			int k = (h->cmsg_len - CMSG_LEN(0)) / 4;
			memcpy(got, CMSG_DATA(h), 4 * k);
			ngot = k;
			printf(" %d fds", k);
		} else if (h->cmsg_type == SCM_CREDENTIALS && h->cmsg_len == CMSG_LEN(sizeof(struct ucred))) {
			struct ucred *u = (void *)CMSG_DATA(h);
			printf(" pid %s uid %d gid %d", u->pid == getpid() ? "mine" : u->pid == 0 ? "0" : "other", u->uid, u->gid);
		} else if (h->cmsg_type == SCM_TIMESTAMP) {
			struct timeval *t = (void *)CMSG_DATA(h), now;
			gettimeofday(&now, 0);
			printf(" %s", now.tv_sec - t->tv_sec < 5 && now.tv_sec >= t->tv_sec ? "now" : "?");
		}
		printf("]");
	}
	printf("\n");
}

static void drop(void) {
	for (int i = 0; i < ngot; i++)
		close(got[i]);
	ngot = 0;
}

static int on(int s, int opt) {
	int one = 1;
	return setsockopt(s, SOL_SOCKET, opt, &one, sizeof one);
}

static void creds(int typ) {
	int p[2];
	printf("type %d\n", typ);
	R(socketpair(AF_UNIX, typ, 0, p));
	give(p[0], "before", 0, 0, 0);
	R(on(p[1], SO_PASSCRED));
	give(p[0], "after", 0, 0, 0);
	take("before", p[1], 6, 200, 0);
	take("after", p[1], 6, 200, 0);
	struct ucred u = {getpid(), 5, 6};
	R(give(p[0], "root may", 0, 0, &u));
	take("given", p[1], 20, 200, 0);
	u = (struct ucred){getppid(), 0, 0};
	R(give(p[0], "parent", 0, 0, &u));
	take("parent's", p[1], 20, 200, 0);
	u.pid = 999999;
	R(give(p[0], "nobody", 0, 0, &u));
	take("nobody's", p[1], 20, 200, 0);
	R(give(p[0], "small", 0, 0, 0));
	take("no room", p[1], 20, 0, 0);
	R(give(p[0], "small", 0, 0, 0));
	take("little room", p[1], 20, 20, 0);
	pid_t c = child();
	if (c == 0) {
		setresgid(8, 9, 10);
		setresuid(8, 9, 10);
		give(p[0], "child", 0, 0, 0);
		u = (struct ucred){getpid(), 10, 8};
		R(give(p[0], "saved", 0, 0, &u));
		u = (struct ucred){getpid(), 0, 8};
		R(give(p[0], "root", 0, 0, &u));
		u = (struct ucred){getppid(), 8, 8};
		R(give(p[0], "parent", 0, 0, &u));
		_exit(0);
	}
	reap("child", c);
	take("child's", p[1], 20, 200, 0);
	take("saved", p[1], 20, 200, 0);
	if (typ == SOCK_STREAM) {
		// Bytes of two processes are not mixed.
		write(p[0], "mine", 4);
		if ((c = child()) == 0) {
			write(p[0], "yours", 5);
			_exit(0);
		}
		reap("writer", c);
		write(p[0], "mine", 4);
		take("first", p[1], 100, 200, 0);
		take("second", p[1], 100, 200, 0);
		take("third", p[1], 100, 200, 0);
	}
	close(p[0]);
	take("end", p[1], 20, 200, 0);
	close(p[1]);
	// Each end of a pair knows who made it.
	R(socketpair(AF_UNIX, typ, 0, p));
	socklen_t n = sizeof u;
	R(getsockopt(p[0], SOL_SOCKET, SO_PEERCRED, &u, &n));
	printf("%d %d %d\n", u.pid == getpid(), u.uid, u.gid);
	close(p[0]);
	close(p[1]);
}

static void rights(int typ) {
	int p[2], q[2], r[2];
	char b[10];
	printf("type %d\n", typ);
	R(socketpair(AF_UNIX, typ, 0, p));
	R(pipe(q));
	R(give(p[0], "two", q, 2, 0));
	close(q[0]);
	close(q[1]);
	take("peeked", p[1], 10, 200, MSG_PEEK);
	R(ngot);
	drop();
	take("two", p[1], 10, 200, MSG_CMSG_CLOEXEC);
	R(fcntl(got[0], F_GETFD));
	R(write(got[1], "through", 7));
	R(read(got[0], b, 10));
	int keep = got[0];
	close(got[1]);
	R(read(keep, b, 10));
	close(keep);
	int bad = 99;
	R(give(p[0], "bad", &bad, 1, 0));
	struct stat st;
	int f = open("/dev/null", O_RDWR), g = open("a", O_CREAT | O_RDWR, 0600);
	int many[300];
	for (int i = 0; i < 300; i++)
		many[i] = i % 2 ? f : g;
	R(give(p[0], "many", many, 253, 0));
	R(give(p[0], "too many", many, 254, 0));
	take("many", p[1], 10, 2000, 0);
	R(ngot);
	int right = 1;
	for (int i = 0; i < ngot; i++) {
		fstat(got[i], &st);
		right &= S_ISCHR(st.st_mode) == i % 2;
	}
	R(right);
	drop();
	R(give(p[0], "five", many, 5, 0));
	take("room for two", p[1], 10, CMSG_LEN(8), 0);
	R(ngot);
	drop();
	R(give(p[0], "five", many, 5, 0));
	take("no room", p[1], 10, 0, 0);
	R(give(p[0], "five", many, 5, 0));
	R(read(p[1], b, 10));
	// The offset is shared.
	R(give(p[0], "offset", &g, 1, 0));
	take("offset", p[1], 10, 200, 0);
	R(write(got[0], "abc", 3));
	R(lseek(g, 0, SEEK_CUR));
	drop();
	if (typ == SOCK_STREAM) {
		give(p[0], "one", 0, 0, 0);
		give(p[0], "two", &f, 1, 0);
		give(p[0], "three", 0, 0, 0);
		take("up to the fd", p[1], 100, 200, 0);
		R(ngot);
		drop();
		take("behind it", p[1], 100, 200, 0);
		give(p[0], "four", &f, 1, 0);
		take("half", p[1], 2, 200, 0);
		R(ngot);
		drop();
		take("half", p[1], 2, 200, 0);
		R(ngot);
		R(give(p[0], "", &f, 1, 0));
	}
	// A pipe's end under way keeps its reader from the end of file; it goes with the socket.
	R(pipe(q));
	R(give(p[0], "end", q + 1, 1, 0));
	close(q[1]);
	fcntl(q[0], F_SETFL, O_NONBLOCK);
	R(read(q[0], b, 1));
	close(p[0]);
	R(read(q[0], b, 1));
	close(p[1]);
	R(read(q[0], b, 1));
	close(q[0]);
	// Sockets under way, received by a child.
	R(socketpair(AF_UNIX, typ, 0, p));
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, r));
	R(give(p[0], "sock", r, 1, 0));
	close(r[0]);
	pid_t c = child();
	if (c == 0) {
		take("child", p[1], 10, 200, 0);
		R(write(got[0], "from the child", 14));
		_exit(0);
	}
	reap("child", c);
	R(read(r[1], data, 100));
	R(read(r[1], data, 100));
	close(r[1]);
	close(p[0]);
	close(p[1]);
	// A ring: each socket is in the other's queue. What they hold goes too.
	R(pipe(q));
	R(socketpair(AF_UNIX, typ, 0, p));
	give(p[0], "a", p + 1, 1, 0);
	give(p[1], "b", p, 1, 0);
	give(p[0], "pipe", q + 1, 1, 0);
	close(q[1]);
	close(p[0]);
	close(p[1]);
	close(socket(AF_UNIX, SOCK_STREAM, 0)); // Linux looks for rings when a socket closes
	struct pollfd w = {q[0], POLLIN, 0};
	R(poll(&w, 1, 2000));
	R(read(q[0], b, 1));
	close(q[0]);
	close(f);
	close(g);
	unlink("a");
}

static void both(void) {
	int p[2];
	R(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
	on(p[1], SO_PASSCRED);
	on(p[1], SO_TIMESTAMP);
	struct ucred u = {getpid(), 0, 0};
	R(give(p[0], "all", p, 2, &u));
	take("all", p[1], 10, 500, 0);
	R(ngot);
	drop();
	R(give(p[0], "all", p, 2, &u));
	take("less room", p[1], 10, 32 + 32 + CMSG_LEN(4), 0);
	R(ngot);
	drop();
	// Wrong ancillary data.
	char b[64];
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = b, .msg_controllen = sizeof b};
	struct cmsghdr *h = (void *)b;
	memset(b, 0, sizeof b);
	R(sendmsg(p[0], &m, 0));
	*h = (struct cmsghdr){64, SOL_SOCKET, 77};
	R(sendmsg(p[0], &m, 0));
	*h = (struct cmsghdr){65, SOL_SOCKET, SCM_RIGHTS};
	R(sendmsg(p[0], &m, 0));
	*h = (struct cmsghdr){20, SOL_SOCKET, SCM_CREDENTIALS};
	R(sendmsg(p[0], &m, 0));
	m.msg_control = (void *)8;
	R(sendmsg(p[0], &m, 0));
	m.msg_control = b;
	m.msg_controllen = 1 << 20;
	R(sendmsg(p[0], &m, 0));
	m.msg_controllen = 0;
	m.msg_iovlen = 2000;
	R(sendmsg(p[0], &m, 0));
	R(recvmsg(p[0], &m, 0));
	R(sendmsg(p[0], (void *)8, 0));
	R(recvmsg(p[0], (void *)8, 0));
	// Many pieces.
	struct iovec w[40];
	for (int i = 0; i < 40; i++)
		w[i] = (struct iovec){data + i * 100, 100};
	for (int i = 0; i < 4000; i++)
		data[i] = 'a' + i % 26;
	m = (struct msghdr){.msg_iov = w, .msg_iovlen = 40};
	R(sendmsg(p[0], &m, 0));
	memset(data, 0, 4000);
	R(recvmsg(p[1], &m, 0));
	R(data[3999]);
	m.msg_iovlen = 1;
	R(sendmsg(p[0], &m, 0));
	R(recvmsg(p[1], &m, MSG_TRUNC));
	w[0].iov_len = 10;
	R(write(p[0], data, 100));
	R(recvmsg(p[1], &m, MSG_TRUNC | MSG_PEEK));
	R(m.msg_flags);
	R(recvmsg(p[1], &m, 0));
	R(m.msg_flags);
	R(send(p[0], data, sizeof data, MSG_DONTWAIT));
	R(recv(p[1], data, sizeof data, 0));
	static char huge[300000];
	R(send(p[0], huge, sizeof huge, MSG_DONTWAIT));
	close(p[0]);
	close(p[1]);
}

static void many(void) {
	int p[2];
	struct mmsghdr m[4];
	struct iovec v[4] = {{"one", 3}, {"three", 5}, {"fifteen", 7}, {(void *)8, 5}};
	memset(m, 0, sizeof m);
	for (int i = 0; i < 4; i++) {
		m[i].msg_hdr.msg_iov = v + i;
		m[i].msg_hdr.msg_iovlen = 1;
	}
	R(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p));
	R(sendmmsg(p[0], m, 4, 0));
	R(m[2].msg_len);
	for (int i = 0; i < 4; i++)
		v[i] = (struct iovec){data + 10 * i, 4};
	R(recvmmsg(p[1], m, 4, MSG_WAITFORONE, 0));
	R(m[0].msg_len);
	R(m[1].msg_len);
	R(m[1].msg_hdr.msg_flags);
	R(recvmmsg(p[1], m, 4, MSG_DONTWAIT, 0));
	R(sendmmsg(p[0], m, 0, 0));
	pid_t c = child();
	if (c == 0) {
		for (int i = 0; i < 4; i++) {
			usleep(2000);
			write(p[0], "piece", i + 1);
		}
		_exit(0);
	}
	R(recvmmsg(p[1], m, 4, 0, 0));
	for (int i = 0; i < 4; i++)
		R(m[i].msg_len);
	reap("sender", c);
	close(p[0]);
	close(p[1]);
}

static void options(void) {
	int p[2], v, s = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t n;
	R(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
	static const int list[] = {SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN, SO_ERROR, SO_SNDBUF, SO_RCVBUF, SO_PASSCRED, SO_REUSEADDR, SO_KEEPALIVE,
		SO_BROADCAST, SO_OOBINLINE, SO_TIMESTAMP, SO_RCVLOWAT, SO_SNDLOWAT, SO_PRIORITY, SO_DEBUG, SO_DONTROUTE, 9999};
	for (int i = 0; i < sizeof list / sizeof *list; i++) {
		v = -1;
		n = sizeof v;
		int r = getsockopt(p[0], SOL_SOCKET, list[i], &v, &n);
		printf("option %d: %d %d %d\n", list[i], r, v, n);
	}
	for (int size = 0; size <= 200000; size += 100000) {
		R(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
		R(setsockopt(p[0], SOL_SOCKET, SO_RCVBUF, &size, sizeof size));
		n = sizeof v;
		R(getsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &v, &n));
		R(v);
		R(getsockopt(p[0], SOL_SOCKET, SO_RCVBUF, &v, &n));
		R(v);
	}
	v = 8 << 20;
	R(setsockopt(p[0], SOL_SOCKET, SO_SNDBUFFORCE, &v, sizeof v));
	R(setsockopt(p[0], SOL_SOCKET, SO_RCVBUFFORCE, &v, sizeof v));
	R(getsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &v, &n));
	R(v);
	R(setsockopt(p[0], SOL_SOCKET, SO_PASSCRED, &v, 2));
	R(setsockopt(p[0], SOL_SOCKET, SO_PASSCRED, (void *)8, 4));
	R(setsockopt(p[0], SOL_SOCKET, SO_TYPE, &v, 4));
	R(setsockopt(p[0], SOL_SOCKET, 9999, &v, 4));
	R(setsockopt(p[0], 6, 1, &v, 4));
	R(getsockopt(p[0], 6, 1, &v, &n));
	n = 1;
	R(getsockopt(p[0], SOL_SOCKET, SO_TYPE, &v, &n));
	R(n);
	n = -1;
	R(getsockopt(p[0], SOL_SOCKET, SO_TYPE, &v, &n));
	R(on(p[0], SO_REUSEADDR));
	R(on(p[0], SO_KEEPALIVE));
	n = sizeof v;
	R(getsockopt(p[0], SOL_SOCKET, SO_KEEPALIVE, &v, &n));
	R(v);
	char sec[100];
	n = sizeof sec;
	gid_t g[3] = {5, 60, 700}, h[3];
	setgroups(3, g);
	int q[2];
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, q));
	n = 8;
	R(getsockopt(q[0], SOL_SOCKET, SO_PEERGROUPS, h, &n));
	R(n);
	R(getsockopt(q[0], SOL_SOCKET, SO_PEERGROUPS, h, &n));
	R(n);
	R(h[2]);
	n = sizeof h;
	R(getsockopt(s, SOL_SOCKET, SO_PEERGROUPS, h, &n));
	struct ucred u;
	n = sizeof u;
	R(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &u, &n));
	printf("%d %d %d\n", u.pid, u.uid, u.gid);
	pid_t c = child();
	if (c == 0) {
		setuid(7);
		v = 1 << 20;
		R(setsockopt(p[0], SOL_SOCKET, SO_SNDBUFFORCE, &v, sizeof v));
		R(setsockopt(p[0], SOL_SOCKET, SO_RCVBUFFORCE, &v, sizeof v));
		_exit(0);
	}
	reap("child", c);
	struct timeval t = {0, 30000}, back;
	R(setsockopt(q[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
	R(setsockopt(q[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t));
	n = sizeof back;
	R(getsockopt(q[0], SOL_SOCKET, SO_RCVTIMEO, &back, &n));
	printf("%ld %d\n", back.tv_sec, back.tv_usec > 20000 && back.tv_usec < 40000);
	struct timespec a, b;
	clock_gettime(CLOCK_MONOTONIC, &a);
	R(read(q[0], sec, 1));
	clock_gettime(CLOCK_MONOTONIC, &b);
	long ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
	R(ms >= 20 && ms < 2000);
	R(recv(q[0], sec, 1, 0));
	struct msghdr m = {0};
	R(recvmsg(q[0], &m, 0));
	static char huge[900000];
	R(write(q[0], huge, sizeof huge) < sizeof huge);
	R(send(q[0], huge, sizeof huge, 0));
	t.tv_usec = 1000000;
	R(setsockopt(q[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t));
	R(setsockopt(q[0], SOL_SOCKET, SO_SNDTIMEO, &t, 4));
	v = 1;
	R(ioctl(q[0], FIONBIO, &v));
	R(fcntl(q[0], F_GETFL));
	close(q[0]);
	close(q[1]);
	// An error is told once.
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, q));
	write(q[0], "x", 1);
	close(q[1]);
	n = sizeof v;
	R(getsockopt(q[0], SOL_SOCKET, SO_ERROR, &v, &n));
	R(v);
	R(getsockopt(q[0], SOL_SOCKET, SO_ERROR, &v, &n));
	R(v);
	R(read(q[0], sec, 1));
	close(q[0]);
	close(p[0]);
	close(p[1]);
	close(s);
}

static void onalarm(int sig) {}

// A signal ends a receive; one with a time limit is not restarted.
static void interrupted(void) {
	int p[2];
	char b[2];
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	struct sigaction a = {.sa_handler = onalarm};
	sigaction(SIGALRM, &a, 0);
	struct itimerval t = {{0, 30000}, {0, 30000}}, off = {0}; // again and again: the first may come before the read
	setitimer(ITIMER_REAL, &t, 0);
	R(read(p[0], b, 1));
	setitimer(ITIMER_REAL, &t, 0);
	R(recv(p[0], b, 1, 0));
	a.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &a, 0);
	pid_t c = child();
	if (c == 0) {
		usleep(80000);
		write(p[1], "a", 1);
		_exit(0);
	}
	setitimer(ITIMER_REAL, &t, 0);
	R(read(p[0], b, 1));
	setitimer(ITIMER_REAL, &off, 0);
	reap("writer", c);
	struct timeval limit = {2, 0};
	setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setitimer(ITIMER_REAL, &t, 0);
	R(read(p[0], b, 1));
	setitimer(ITIMER_REAL, &off, 0);
	close(p[0]);
	close(p[1]);
}

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	CASE("credentials with messages", "sendmsg recvmsg setsockopt");
	creds(SOCK_STREAM);
	creds(SOCK_DGRAM);
	creds(SOCK_SEQPACKET);
	CASE("open files with messages", "sendmsg recvmsg");
	rights(SOCK_STREAM);
	rights(SOCK_DGRAM);
	CASE("everything together, what is wrong, many pieces", "sendmsg recvmsg");
	both();
	CASE("many messages at once", "sendmmsg recvmmsg");
	many();
	CASE("options of sockets", "getsockopt setsockopt");
	options();
	CASE("signals and time limits", "recvfrom read");
	interrupted();
	return 0;
}
