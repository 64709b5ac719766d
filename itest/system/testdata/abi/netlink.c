#include "abi.h"
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

static char data[66000];

static struct sockaddr_nl *nl(int pid, int groups) {
	static struct sockaddr_nl a;
	a = (struct sockaddr_nl){AF_NETLINK, 0, pid, groups};
	return &a;
}
#define NL(pid, groups) (void *)nl(pid, groups), sizeof(struct sockaddr_nl)

static void name(const char *what, int s) {
	struct sockaddr_nl a = {0};
	socklen_t n = sizeof a;
	int r = getsockname(s, (void *)&a, &n);
	printf("%s: %d, %d bytes, family %d, port %s, groups %x\n", what, r, n, a.nl_family,
		a.nl_pid == getpid() ? "pid" : a.nl_pid == 0 ? "0" : a.nl_pid == 4242 ? "4242" : "other", a.nl_groups);
}

// next prints the next message: who sent it, and what else is known.
static int next(const char *what, int s) {
	union {
		char b[200];
		struct cmsghdr align;
	} c;
	struct sockaddr_nl from;
	struct iovec v = {data, sizeof data};
	struct msghdr m = {&from, sizeof from, &v, 1, c.b, sizeof c.b, 0};
	int n = recvmsg(s, &m, MSG_DONTWAIT);
	if (n < 0) {
		printf("%s: %s\n", what, strerrorname_np(errno));
		return n;
	}
	printf("%s: name %d, port %s, groups %x, flags %x", what, m.msg_namelen, from.nl_pid == 0 ? "kernel" : from.nl_pid == getpid() ? "pid" : "other",
		from.nl_groups, m.msg_flags);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		printf(" [%d %d", h->cmsg_level, h->cmsg_type);
		if (h->cmsg_type == SCM_CREDENTIALS) {
			struct ucred *u = (void *)CMSG_DATA(h);
			printf(" %s %d %d", u->pid == getpid() ? "mine" : u->pid == 0 ? "0" : "other", u->uid, u->gid);
		} else
			printf(" %d", *(int *)CMSG_DATA(h));
		printf("]");
	}
	printf("\n");
	return n;
}

static void names(void) {
	int s, t;
	R(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE));
	R(socket(AF_NETLINK, SOCK_RAW, 31));
	R(socket(AF_NETLINK, SOCK_RAW, 77));
	R((s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT)) > 0);
	t = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT);
	name("unbound", s);
	R(bind(s, (void *)nl(0, 2), 8));
	R(bind(s, NL(0, 2)));
	name("bound", s);
	R(bind(s, NL(0, 3)));
	name("more groups", s);
	R(bind(s, NL(4242, 0)));
	R(bind(t, NL(getpid(), 0)));
	R(bind(t, NL(0, 0)));
	name("second", t);
	struct sockaddr other = {AF_UNIX};
	R(bind(t, &other, sizeof(struct sockaddr_nl)));
	R(connect(t, &other, sizeof(struct sockaddr_nl)));
	R(listen(s, 1));
	R(accept(s, 0, 0));
	R(shutdown(s, SHUT_RDWR));
	R(recv(s, data, 9, 0));
	struct pollfd p = {s, POLLIN | POLLOUT, 0};
	R(poll(&p, 1, 0));
	R(p.revents);
	int v = 0;
	socklen_t n = sizeof v;
	R(getsockopt(s, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, &v, &n));
	R(v);
	n = 0;
	R(getsockopt(s, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, 0, &n));
	R(n);
	n = sizeof v;
	R(getsockopt(s, SOL_SOCKET, SO_PROTOCOL, &v, &n));
	R(v);
	R(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &n));
	R(v);
	v = 3;
	R(setsockopt(t, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &v, sizeof v));
	name("joined", t);
	R(setsockopt(t, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &v, sizeof v));
	name("left", t);
	R(setsockopt(t, SOL_NETLINK, NETLINK_PKTINFO, &v, sizeof v));
	R(setsockopt(t, SOL_NETLINK, NETLINK_EXT_ACK, &v, sizeof v));
	R(setsockopt(t, SOL_NETLINK, 99, &v, sizeof v));
	R(setsockopt(t, 6, 1, &v, sizeof v));
	close(s);
	close(t);
}

static void uevents(void) {
	int a = socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT), b = socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);
	int c = socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT), one = 1;
	R(bind(a, NL(0, 4)));
	R(bind(b, NL(4242, 4)));
	R(bind(c, NL(0, 8)));
	setsockopt(b, SOL_SOCKET, SO_PASSCRED, &one, sizeof one);
	setsockopt(b, SOL_NETLINK, NETLINK_PKTINFO, &one, sizeof one);
	R(sendto(a, "libudev-like message", 20, 0, NL(0, 4)));
	R(next("to the group", b));
	R(next("not to itself", a));
	R(next("not to others", c));
	R(sendto(a, "unicast", 7, 0, NL(4242, 0)));
	R(next("to the port", b));
	R(sendto(a, "unicast", 7, 0, NL(4243, 0)));
	R(sendto(a, "kernel", 6, 0, NL(0, 0)));
	R(send(a, "kernel", 6, 0));
	R(connect(a, NL(4242, 0)));
	R(send(a, "connected", 9, 0));
	R(recv(b, data, 3, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT));
	R(recv(b, data, 3, MSG_DONTWAIT));
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x70617373, 0, 1), BPF_STMT(BPF_RET | BPF_K, -1),
		BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_fprog prog = {4, f};
	R(setsockopt(b, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog));
	R(send(a, "dropped", 7, 0));
	R(send(a, "passed", 6, 0));
	R(next("filtered", b));
	R(next("no more", b));
	R(setsockopt(b, SOL_SOCKET, SO_ATTACH_FILTER, &prog, 3));
	prog.len = 0;
	R(setsockopt(b, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog));
	prog = (struct sock_fprog){1, f};
	R(setsockopt(b, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog));
	R(setsockopt(b, SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof one));
	R(setsockopt(b, SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof one));
	pid_t p = child();
	if (p == 0) {
		setuid(7);
		int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);
		R(bind(s, NL(0, 4)));
		R(sendto(s, "x", 1, 0, NL(0, 4)));
		R(sendto(s, "x", 1, 0, NL(4242, 0)));
		R(connect(s, NL(4242, 0)));
		_exit(0);
	}
	reap("a stranger", p);
	close(b);
	R(send(a, "gone", 4, 0));
	close(a);
	close(c);
}

static struct {
	struct nlmsghdr h;
	union {
		struct ifinfomsg i;
		struct ifaddrmsg a;
		char b[200];
	};
} req;

static void attr(int type, const void *v, int n) {
	struct rtattr *r = (void *)((char *)&req + NLMSG_ALIGN(req.h.nlmsg_len));
	r->rta_type = type;
	r->rta_len = RTA_LENGTH(n);
	memcpy(RTA_DATA(r), v, n);
	req.h.nlmsg_len = NLMSG_ALIGN(req.h.nlmsg_len) + RTA_ALIGN(r->rta_len);
}

static void begin(int type, int flags, int size) {
	memset(&req, 0, sizeof req);
	req.h = (struct nlmsghdr){NLMSG_LENGTH(size), type, NLM_F_REQUEST | flags, 77, 0};
}

// answers prints all messages of the answer.
static void answers(const char *what, int s) {
	printf("%s: sent %d\n", what, (int)send(s, &req, req.h.nlmsg_len, 0));
	for (int more = 1; more;) {
		int n = recv(s, data, sizeof data, MSG_DONTWAIT);
		if (n < 0) {
			printf("  %s\n", strerrorname_np(errno));
			return;
		}
		more = 0;
		for (struct nlmsghdr *h = (void *)data; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			struct nlmsgerr *e = NLMSG_DATA(h);
			struct ifinfomsg *i = NLMSG_DATA(h);
			struct ifaddrmsg *a = NLMSG_DATA(h);
			more |= h->nlmsg_flags & NLM_F_MULTI && h->nlmsg_type != NLMSG_DONE;
			if (h->nlmsg_type == RTM_NEWLINK && i->ifi_index != 1 || h->nlmsg_type == RTM_NEWADDR && a->ifa_index != 1)
				continue;
			printf("  type %d, flags %x, seq %d, port %d", h->nlmsg_type, h->nlmsg_flags, h->nlmsg_seq, h->nlmsg_pid == getpid());
			if (h->nlmsg_type == NLMSG_ERROR)
				printf(", %d bytes, error %d, of %d bytes type %d", h->nlmsg_len, e->error, e->msg.nlmsg_len, e->msg.nlmsg_type);
			struct rtattr *r = 0;
			int left = 0;
			if (h->nlmsg_type == RTM_NEWLINK) {
				printf(", family %d, type %d, flags %x", i->ifi_family, i->ifi_type, i->ifi_flags);
				r = IFLA_RTA(i);
				left = IFLA_PAYLOAD(h);
			} else if (h->nlmsg_type == RTM_NEWADDR) {
				printf(", family %d, /%d, flags %x, scope %d", a->ifa_family, a->ifa_prefixlen, a->ifa_flags, a->ifa_scope);
				r = IFA_RTA(a);
				left = IFA_PAYLOAD(h);
			}
			for (; r && RTA_OK(r, left); r = RTA_NEXT(r, left)) {
				unsigned char *b = RTA_DATA(r);
				if (h->nlmsg_type == RTM_NEWLINK && r->rta_type == IFLA_IFNAME)
					printf(", name %s", (char *)b);
				if (h->nlmsg_type == RTM_NEWLINK && r->rta_type == IFLA_MTU)
					printf(", mtu %d", *(int *)b);
				if (h->nlmsg_type == RTM_NEWLINK && r->rta_type == IFLA_OPERSTATE)
					printf(", state %d", *b);
				if (h->nlmsg_type == RTM_NEWADDR && r->rta_type == IFA_ADDRESS)
					printf(", address %d…%d", b[0], b[RTA_PAYLOAD(r) - 1]);
				if (h->nlmsg_type == RTM_NEWADDR && r->rta_type == IFA_LABEL)
					printf(", label %s", (char *)b);
			}
			printf("\n");
		}
	}
}

static void routes(void) {
	int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), one = 1;
	R(bind(s, NL(0, 0)));
	name("route", s);
	unsigned char v4[4] = {127, 0, 0, 1};
	begin(RTM_NEWLINK, NLM_F_ACK, sizeof req.i);
	req.i.ifi_index = 1;
	req.i.ifi_flags = req.i.ifi_change = IFF_UP;
	answers("up", s);
	begin(RTM_NEWADDR, NLM_F_ACK, sizeof req.a);
	req.a = (struct ifaddrmsg){AF_INET, 8, IFA_F_PERMANENT, RT_SCOPE_HOST, 1};
	attr(IFA_LOCAL, v4, 4);
	answers("there already", s);
	setsockopt(s, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
	answers("with CAP_ACK", s);
	req.h.nlmsg_flags |= NLM_F_REPLACE;
	answers("replaced", s);
	begin(RTM_GETLINK, 0, sizeof req.i);
	req.i.ifi_index = 1;
	answers("lo", s);
	req.i.ifi_index = 4000;
	answers("none", s);
	begin(RTM_GETLINK, NLM_F_ACK, sizeof req.i);
	attr(IFLA_IFNAME, "lo", 3);
	answers("by name", s);
	begin(RTM_GETLINK, NLM_F_DUMP, sizeof req.i);
	answers("all", s);
	begin(RTM_GETADDR, NLM_F_DUMP, sizeof req.a);
	req.a.ifa_family = AF_INET;
	answers("addresses", s);
	begin(RTM_NEWADDR, NLM_F_ACK, sizeof req.a);
	req.a = (struct ifaddrmsg){AF_INET, 8, 0, RT_SCOPE_HOST, 4000};
	attr(IFA_LOCAL, v4, 4);
	answers("no such device", s);
	begin(RTM_NEWADDR, NLM_F_ACK, sizeof req.a);
	req.a = (struct ifaddrmsg){AF_INET, 8, 0, RT_SCOPE_HOST, 1};
	answers("no address", s);
	v4[3] = 9;
	begin(RTM_DELADDR, NLM_F_ACK, sizeof req.a);
	req.a = (struct ifaddrmsg){AF_INET, 8, 0, RT_SCOPE_HOST, 1};
	attr(IFA_LOCAL, v4, 4);
	answers("not there", s);
	begin(RTM_NEWADDR, NLM_F_ACK, sizeof req.a);
	req.a = (struct ifaddrmsg){AF_INET, 32, 0, RT_SCOPE_HOST, 1};
	attr(IFA_LOCAL, v4, 4);
	answers("one more", s);
	begin(RTM_DELADDR, NLM_F_ACK, sizeof req.a);
	req.a = (struct ifaddrmsg){AF_INET, 32, 0, RT_SCOPE_HOST, 1};
	attr(IFA_LOCAL, v4, 4);
	answers("and away", s);
	begin(99, NLM_F_ACK, 4);
	answers("unknown", s);
	begin(RTM_GETLINK, NLM_F_ACK, 4);
	answers("too short", s);
	R(send(s, &req, 8, 0));
	R(next("nothing", s));
	pid_t p = child();
	if (p == 0) {
		setuid(7);
		s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
		bind(s, NL(0, 0));
		begin(RTM_NEWLINK, NLM_F_ACK, sizeof req.i);
		req.i.ifi_index = 1;
		answers("stranger", s);
		begin(RTM_GETLINK, 0, sizeof req.i);
		req.i.ifi_index = 1;
		answers("stranger looks", s);
		_exit(0);
	}
	reap("a stranger", p);
	close(s);
}

int main(void) {
	CASE("netlink sockets and their ports", "socket bind getsockname setsockopt getsockopt");
	names();
	CASE("messages of users to groups and ports; filters", "sendto recvmsg connect");
	uevents();
	CASE("rtnetlink and lo", "sendto recvfrom");
	routes();
	return 0;
}
