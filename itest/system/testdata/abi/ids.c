#include "abi.h"
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/personality.h>
#include <sys/utsname.h>

// Numbers of users, groups, capabilities, hosts and threads.

static struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};

static void capabilities(const char *when) {
	struct __user_cap_data_struct d[2];
	memset(d, 0, sizeof d);
	printf("%s: ", when);
	S(capget, &header, d);
	printf("kill %d %d, net_raw %d %d\n", d[0].effective >> CAP_KILL & 1, d[0].permitted >> CAP_KILL & 1, d[0].effective >> CAP_NET_RAW & 1,
	       d[0].permitted >> CAP_NET_RAW & 1);
}

static void groups(void) {
	CASE("group ids: real, effective, saved", "getresgid setresgid setregid setgid getgid getegid");
	gid_t r, e, s;
	S(setresgid, 10, 20, 30);
	S(getresgid, &r, &e, &s);
	printf("%d %d %d\n", r, e, s);
	S(getresgid, &r, &e, 8);
	S(setregid, 30, 10);
	S(getresgid, &r, &e, &s);
	printf("%d %d %d\n", r, e, s);
	R(getgid() * 100 + getegid());

	CASE("file system ids answer with the old one and follow the effective", "setfsuid setfsgid");
	S(setfsgid, 40);
	S(setfsgid, -1);
	S(setfsgid, 10);
	S(setfsuid, 1000);
	S(setfsuid, -1);
	int fd = open("as-1000", O_CREAT | O_RDWR, 0600);
	R(fd); // this directory is root's
	S(setfsuid, 0);
	S(setfsuid, -1);
}

static void caps(void) {
	CASE("capabilities are dropped and do not come back", "capget capset setresuid");
	struct __user_cap_data_struct d[2];
	struct __user_cap_header_struct bad = {77, 0};
	S(capget, &bad, NULL);
	R(bad.version == _LINUX_CAPABILITY_VERSION_3);
	S(capget, &bad, 8);
	header.pid = 99999;
	S(capget, &header, d);
	header.pid = 0;
	S(capget, &header, d);
	unsigned had = d[0].permitted;
	d[0].effective &= ~(1u << CAP_KILL);
	S(capset, &header, d);
	capabilities("not effective");
	R(kill(1, 0) == 0); // root may signal root
	d[0].permitted &= ~(1u << CAP_KILL);
	S(capset, &header, d);
	capabilities("not permitted");
	d[0].permitted = d[0].effective = had;
	S(capset, &header, d);
	header.pid = 1;
	S(capset, &header, d);
	header.pid = 0;
	R(prctl(PR_SET_KEEPCAPS, 1));
	S(setresuid, 1000, 1000, 1000);
	capabilities("another user");
	R(prctl(PR_CAPBSET_DROP, CAP_NET_RAW));
}

static void hostnames(void) {
	CASE("host and domain names", "sethostname setdomainname uname");
	struct utsname u;
	uname(&u);
	// Where there are uts namespaces, the name must not reach the machine.
	if (unshare(CLONE_NEWUTS) < 0 && !strstr(u.release, "aramid"))
		_exit(1);
	S(sethostname, "somewhere", 9);
	S(setdomainname, "example.org", 11);
	uname(&u);
	printf("%s %s\n", u.nodename, u.domainname);
	S(sethostname, "x", -1);
	S(sethostname, "x", 65);
	S(sethostname, 8, 5);
	S(sethostname, "short-and-more", 5);
	uname(&u);
	printf("%s\n", u.nodename);
}

static volatile int got, value;

static void info(int s, siginfo_t *i, void *u) {
	got = s;
	value = i->si_value.sival_int;
}

static void threads(void) {
	CASE("signals to a thread by number", "tkill rt_tgsigqueueinfo tgkill");
	struct sigaction sa = {.sa_sigaction = info, .sa_flags = SA_SIGINFO};
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGRTMIN, &sa, NULL);
	S(tkill, getpid(), SIGUSR1);
	R(got);
	S(tkill, 99999, 0);
	S(tkill, -1, 0);
	S(tkill, getpid(), 99);
	siginfo_t si = {.si_code = SI_QUEUE, .si_signo = SIGRTMIN};
	si.si_value.sival_int = 55;
	S(rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGRTMIN, &si);
	R(got == SIGRTMIN);
	R(value);
	si.si_code = SI_USER;
	S(rt_tgsigqueueinfo, getppid(), getppid(), SIGRTMIN, &si);
	S(rt_tgsigqueueinfo, getpid(), 99999, 0, &si);

	CASE("priorities of scheduling policies", "sched_get_priority_max sched_get_priority_min sched_setparam sched_getparam");
	S(sched_get_priority_min, SCHED_FIFO);
	S(sched_get_priority_min, SCHED_OTHER);
	S(sched_get_priority_max, SCHED_RR);
	S(sched_get_priority_min, 99);
	struct sched_param p = {0};
	S(sched_setparam, 0, &p);
	p.sched_priority = 5;
	S(sched_setparam, 0, &p);
	S(sched_setparam, 99999, &p);
	S(sched_setparam, 0, 0);
	S(sched_getparam, -1, &p);

	CASE("the personality is asked for", "personality");
	S(personality, 0xffffffff);
}

int main(void) {
	pid_t pid;
	void (*all[])(void) = {groups, caps, hostnames, threads};
	for (int i = 0; i < 4; i++) {
		pid = child();
		if (pid == 0) {
			all[i]();
			fflush(stdout);
			_exit(0);
		}
		reap("ids", pid);
	}
	return 0;
}
