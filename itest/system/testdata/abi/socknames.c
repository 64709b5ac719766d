#include "abi.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_un *un(const char *path) {
	static struct sockaddr_un a;
	memset(&a, 0, sizeof a);
	a.sun_family = AF_UNIX;
	strcpy(a.sun_path, path);
	return &a;
}

// A is an abstract name of this program's, and its length.
static struct sockaddr *abstract(const char *name) {
	struct sockaddr_un *a = un("");
	sprintf(a->sun_path + 1, "aramid-%d-%s", getpid(), name);
	return (struct sockaddr *)a;
}
#define A(name) abstract(name), 3 + snprintf(0, 0, "aramid-%d-%s", getpid(), name)

static struct sockaddr *at(const char *path) { return (struct sockaddr *)un(path); }
#define UN(path) at(path), sizeof(struct sockaddr_un)

// name prints a socket's name or its peer's, an abstract one without the number in it.
static void name(const char *what, int fd, int peer) {
	struct sockaddr_un a;
	memset(&a, 0, sizeof a);
	socklen_t n = sizeof a;
	int r = peer ? getpeername(fd, (void *)&a, &n) : getsockname(fd, (void *)&a, &n);
	if (r < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else if (n > 3 && a.sun_path[0] == 0 && strrchr(a.sun_path + 1, '-'))
		printf("%s: abstract %s\n", what, strrchr(a.sun_path + 1, '-'));
	else if (n > 2 && a.sun_path[0] == 0)
		printf("%s: chosen, %d\n", what, n);
	else
		printf("%s: %d %.*s\n", what, n, n > 2 ? n - 3 : 0, a.sun_path);
}

static int ready(int fd) {
	struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
	poll(&p, 1, 0);
	return p.revents;
}

static void names(void) {
	int s = socket(AF_UNIX, SOCK_STREAM, 0), t = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t n;
	name("unbound", s, 0);
	name("unbound's peer", s, 1);
	R(bind(s, at("sock"), 1));
	R(bind(s, at("sock"), 200));
	R(bind(s, (void *)8, 110));
	R(bind(s, UN("no/where")));
	umask(027);
	R(bind(s, UN("sock")));
	umask(022);
	name("bound", s, 0);
	struct stat st;
	R(stat("sock", &st));
	printf("mode %o\n", st.st_mode);
	R(open("sock", O_RDWR));
	R(bind(s, UN("again")));
	R(access("again", F_OK));
	R(bind(t, UN("sock")));
	R(bind(t, A("a")));
	name("abstract", t, 0);
	int u = socket(AF_UNIX, SOCK_STREAM, 0);
	R(bind(u, A("a")));
	int d = socket(AF_UNIX, SOCK_DGRAM, 0);
	R(bind(d, A("a")));
	close(d);
	R(bind(u, at(""), 2));
	name("u", u, 0);
	R(bind(u, at(""), 2));
	char b[4];
	n = 4;
	R(getsockname(s, (void *)b, &n));
	R(n);
	n = -1;
	R(getsockname(s, (void *)b, &n));
	R(getsockname(s, (void *)b, (void *)8));
	struct sockaddr_un longest;
	longest.sun_family = AF_UNIX;
	memset(longest.sun_path, 'l', sizeof longest.sun_path);
	d = socket(AF_UNIX, SOCK_DGRAM, 0);
	R(bind(d, &longest, sizeof longest));
	name("longest", d, 0);
	close(d);
	close(s);
	close(t);
	close(u);
	unlink("sock");
}

static void streams(int typ) {
	printf("type %d\n", typ);
	int l = socket(AF_UNIX, typ, 0), c = socket(AF_UNIX, typ, 0), a, b;
	socklen_t n;
	char buf[32];
	R(listen(l, 5));
	R(accept(l, 0, 0));
	R(connect(c, UN("sock")));
	R(bind(l, UN("sock")));
	R(connect(c, UN("sock")));
	R(listen(l, 1));
	R(ready(l));
	R(ready(c));
	R(connect(c, UN("sock")));
	R(ready(l));
	R(ready(c));
	R(connect(c, UN("sock")));
	R(connect(l, UN("sock")));
	R(write(c, "early", 5));
	name("c", c, 0);
	name("c's peer", c, 1);
	struct sockaddr_un from;
	n = sizeof from;
	R((a = accept4(l, (void *)&from, &n, SOCK_CLOEXEC | SOCK_NONBLOCK)) > 0);
	R(n);
	R(fcntl(a, F_GETFD));
	R(fcntl(a, F_GETFL));
	name("a", a, 0);
	name("a's peer", a, 1);
	R(read(a, buf, 32));
	R(read(a, buf, 32));
	R(accept4(l, 0, 0, 7));
	fcntl(l, F_SETFL, O_NONBLOCK);
	R(accept(l, 0, 0));

	// The queue takes one more than the backlog.
	int more[4];
	for (int i = 0; i < 4; i++) {
		more[i] = socket(AF_UNIX, typ | SOCK_NONBLOCK, 0);
		R(connect(more[i], UN("sock")));
	}
	R(accept(l, 0, 0) > 0);
	R(connect(more[2], UN("sock")));
	close(l);
	R(ready(more[1]));
	R(recv(more[1], buf, 9, 0));
	R(recv(more[1], buf, 9, 0));
	R(connect(more[3], UN("sock")));
	for (int i = 0; i < 4; i++)
		close(more[i]);
	R(write(c, "still", 5));
	R(read(a, buf, 32));
	close(c);
	R(read(a, buf, 32));
	close(a);
	unlink("sock");
	R(connect(c = socket(AF_UNIX, typ, 0), UN("sock")));
	close(open("plain", O_CREAT | O_RDWR, 0644));
	R(connect(c, UN("plain")));
	R(connect(c, at(""), 2));
	R(connect(c, (void *)8, 20));
	struct sockaddr in = {AF_INET};
	R(connect(c, &in, sizeof in));
	R(connect(c, A("nobody")));
	int v = 9;
	n = sizeof v;
	R(getsockopt(c, SOL_SOCKET, SO_ACCEPTCONN, &v, &n));
	R(v);
	// An abstract name, and a client with a name.
	R(bind(c, UN("client")));
	l = socket(AF_UNIX, typ, 0);
	R(bind(l, A("l")));
	R(listen(l, 0));
	R(getsockopt(l, SOL_SOCKET, SO_ACCEPTCONN, &v, &n));
	R(v);
	R(connect(c, A("l")));
	n = sizeof from;
	R((a = accept(l, (void *)&from, &n)) > 0);
	R(n);
	printf("%s\n", from.sun_path);
	name("accepted", a, 0);
	close(l);
	l = socket(AF_UNIX, typ, 0);
	R(bind(l, A("l")));
	close(l);
	close(a);
	close(c);
	unlink("client");
	unlink("plain");
}

// A connect waits for room in the queue, an accept for a connection.
static void waiting(void) {
	int l = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(l, UN("sock"));
	listen(l, 0);
	pid_t p = child();
	if (p == 0) {
		int c[3];
		for (int i = 0; i < 3; i++) {
			c[i] = socket(AF_UNIX, SOCK_STREAM, 0);
			R(connect(c[i], UN("sock")));
			write(c[i], "hi", 2);
		}
		_exit(3);
	}
	usleep(20000);
	char b[9];
	for (int i = 0; i < 3; i++) {
		int a = accept(l, 0, 0);
		if (a < 0 || read(a, b, 9) != 2)
			printf("accept: %s\n", strerrorname_np(errno));
		close(a);
		usleep(5000);
	}
	reap("three connections", p);
	close(l);
	unlink("sock");
}

static void datagrams(void) {
	int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	char buf[32];
	struct sockaddr_un from;
	socklen_t n = sizeof from;
	R(bind(b, UN("b")));
	R(sendto(a, "one", 3, 0, UN("b")));
	R(recvfrom(b, buf, 32, 0, (void *)&from, &n));
	R(n);
	R(bind(a, UN("a")));
	R(sendto(a, "two", 3, 0, UN("b")));
	n = sizeof from;
	R(recvfrom(b, buf, 32, 0, (void *)&from, &n));
	R(n);
	printf("%s\n", from.sun_path);
	R(sendto(b, "three", 5, 0, (void *)&from, n));
	R(recv(a, buf, 2, MSG_TRUNC));
	R(send(a, "x", 1, 0));
	R(connect(a, UN("b")));
	name("a's peer", a, 1);
	R(send(a, "x", 1, 0));
	R(ready(b));
	R(connect(b, UN("a")));
	R(sendto(c, "no", 2, 0, UN("b")));
	R(connect(c, UN("b")));
	struct sockaddr none = {AF_UNSPEC};
	R(connect(b, &none, sizeof none));
	R(sendto(c, "yes", 3, 0, UN("b")));
	R(recv(b, buf, 9, MSG_DONTWAIT));
	R(recv(b, buf, 9, MSG_DONTWAIT));
	R(sendto(c, "no", 2, 0, UN("nobody")));
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	R(bind(s, UN("s")));
	R(sendto(c, "no", 2, 0, UN("s")));
	R(connect(c, UN("s")));
	R(sendto(s, "no", 2, 0, UN("b")));
	close(s);
	R(sendto(c, "no", 2, 0, UN("s")));
	R(unlink("b"));
	R(sendto(c, "no", 2, 0, UN("b")));
	R(send(a, "y", 1, 0));
	close(b);
	R(ready(a));
	R(send(a, "y", 1, 0));
	R(send(a, "y", 1, 0));
	R(listen(a, 1));
	R(accept(a, 0, 0));
	R(shutdown(a, SHUT_RD));
	R(recv(a, buf, 9, 0));
	R(shutdown(c, SHUT_WR));
	R(sendto(c, "no", 2, 0, UN("a")));
	close(a);
	close(c);
	unlink("a");
	unlink("s");
}

// Who may not write to a socket may not connect to it.
static void access_(void) {
	int l = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(l, UN("sock"));
	listen(l, 9);
	chmod("sock", 0700);
	pid_t p = child();
	if (p == 0) {
		setgid(7);
		setuid(7);
		int c = socket(AF_UNIX, SOCK_STREAM, 0);
		R(connect(c, UN("sock")));
		_exit(0);
	}
	reap("stranger", p);
	chmod("sock", 0777);
	if ((p = child()) == 0) {
		setgid(7);
		setuid(7);
		int c = socket(AF_UNIX, SOCK_STREAM, 0);
		R(connect(c, UN("sock")));
		_exit(0);
	}
	reap("stranger", p);
	struct ucred u;
	socklen_t n = sizeof u;
	int a = accept(l, 0, 0);
	R(getsockopt(a, SOL_SOCKET, SO_PEERCRED, &u, &n));
	printf("pid %d uid %d gid %d, %d bytes\n", u.pid == p, u.uid, u.gid, n);
	close(a);
	close(l);
	unlink("sock");
}

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	chmod(".", 0777);
	CASE("names of sockets", "bind getsockname getpeername");
	names();
	CASE("listening, connecting and accepting", "listen connect accept accept4 getsockname getpeername getsockopt");
	streams(SOCK_STREAM);
	streams(SOCK_SEQPACKET);
	CASE("a connect that waits for room", "connect accept");
	waiting();
	CASE("datagrams with addresses", "sendto recvfrom connect bind shutdown");
	datagrams();
	CASE("permissions of a socket's inode; SO_PEERCRED", "connect getsockopt");
	access_();
	return 0;
}
