// Scheduling: policies, nice values, I/O priorities; kcmp; uts namespaces.
#include "abi.h"
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t min, max;
};

static void showattr(const char *what, int pid) {
	struct attr a = {0};
	long r = syscall(SYS_sched_getattr, pid, &a, sizeof a, 0);
	printf("%s: %ld size %u policy %u flags %lu nice %d priority %u\n", what, r, a.size, a.policy, (long)a.flags, a.nice, a.priority);
}

static void policies(void) {
	struct sched_param p = {0};
	CASE("policies without a static priority are kept, given back and inherited", "sched_getattr sched_setattr sched_getscheduler sched_setscheduler");
	R(sched_getscheduler(0));
	R(sched_getscheduler(-1));
	R(sched_getscheduler(99999));
	R(sched_getparam(0, &p));
	R(p.sched_priority);
	R(sched_setscheduler(0, SCHED_BATCH, &p));
	R(sched_getscheduler(0));
	R(sched_setscheduler(0, SCHED_IDLE, &p));
	R(sched_getscheduler(0));
	R(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &p));
	R(sched_getscheduler(0) == (SCHED_OTHER | SCHED_RESET_ON_FORK));
	p.sched_priority = 1;
	R(sched_setscheduler(0, SCHED_OTHER, &p));
	R(sched_setparam(0, &p));
	R(sched_setscheduler(0, 77, &p));
	p.sched_priority = 0;
	R(sched_setscheduler(99999, SCHED_OTHER, &p));
	R(sched_setscheduler(0, SCHED_OTHER, NULL));
	struct attr a = {.size = sizeof a, .policy = SCHED_BATCH, .nice = 5};
	R(syscall(SYS_sched_setattr, 0, &a, 0));
	showattr("batch", 0);
	a.flags = 1;
	R(syscall(SYS_sched_setattr, 0, &a, 0));
	showattr("reset", 0);
	setpriority(PRIO_PROCESS, 0, -5);
	pid_t pid = child();
	if (pid == 0) {
		showattr("child", 0);
		fflush(stdout);
		_exit(0);
	}
	reap("child", pid);
	a.flags = 0x18;
	a.nice = 19;
	R(syscall(SYS_sched_setattr, 0, &a, 0));
	showattr("kept", 0);
	a.flags = 0x80;
	R(syscall(SYS_sched_setattr, 0, &a, 0));
	a.flags = 0;
	a.size = 47;
	R(syscall(SYS_sched_setattr, 0, &a, 0));
	R(a.size);
	a.size = 0;
	a.policy = SCHED_OTHER;
	a.nice = 0;
	R(syscall(SYS_sched_setattr, 0, &a, 0));
	showattr("other", 0);
	R(syscall(SYS_sched_setattr, 0, NULL, 0));
	R(syscall(SYS_sched_getattr, 0, &a, 40, 0));
	R(syscall(SYS_sched_getattr, 0, &a, sizeof a, 1));
	CASE("sched_rr_get_interval checks whom it is about", "sched_rr_get_interval");
	struct timespec ts;
	R(sched_rr_get_interval(0, &ts));
	R(sched_rr_get_interval(-1, &ts));
	R(sched_rr_get_interval(99999, &ts));
	R(sched_get_priority_max(SCHED_FIFO));
	R(sched_get_priority_max(SCHED_OTHER));
	R(sched_get_priority_min(6));
	R(sched_get_priority_max(77));
}

#define IOPRIO(c, l) ((c) << 13 | (l))

static void io(void) {
	CASE("I/O priorities are kept, inherited and summed up over a group", "ioprio_get ioprio_set");
	R(syscall(SYS_ioprio_set, 1, 0, IOPRIO(3, 4)));
	R(syscall(SYS_ioprio_get, 1, 0));
	pid_t pid = child();
	if (pid == 0) {
		R(syscall(SYS_ioprio_get, 1, 0));
		R(syscall(SYS_ioprio_set, 1, 0, IOPRIO(2, 1)));
		setpgid(0, 0);
		R(syscall(SYS_ioprio_get, 2, 0));
		setuid(1000);
		R(syscall(SYS_ioprio_set, 1, 0, IOPRIO(1, 1)));
		R(syscall(SYS_ioprio_set, 1, 1, IOPRIO(2, 1)));
		fflush(stdout);
		_exit(0);
	}
	reap("child", pid);
	R(syscall(SYS_ioprio_set, 1, 0, IOPRIO(5, 8)));
	R(syscall(SYS_ioprio_set, 1, 0, IOPRIO(0, 1)));
	R(syscall(SYS_ioprio_set, 1, 0, IOPRIO(4, 1)));
	R(syscall(SYS_ioprio_set, 0, 0, IOPRIO(2, 1)));
	R(syscall(SYS_ioprio_set, 4, 0, IOPRIO(2, 1)));
	R(syscall(SYS_ioprio_set, 1, 99999, IOPRIO(2, 1)));
	R(syscall(SYS_ioprio_get, 1, 99999));
	R(syscall(SYS_ioprio_get, 9, 0));
}

#define KCMP(p1, p2, type, a, b) R(syscall(SYS_kcmp, p1, p2, type, a, b) != 0 && errno == 0 ? 9 : syscall(SYS_kcmp, p1, p2, type, a, b))

static void compare(void) {
	CASE("kcmp tells what processes share", "kcmp");
	int p[2], me = getpid();
	pipe(p);
	put("kcmp", "x");
	int a = open("kcmp", O_RDONLY), b = open("kcmp", O_RDONLY), d = dup(a);
	KCMP(me, me, 0, a, d);
	KCMP(me, me, 0, a, b);
	KCMP(me, me, 0, p[0], p[1]);
	KCMP(me, me, 0, a, 99);
	KCMP(me, me, 0, 99, a);
	KCMP(me, me, 99, 0, 0);
	KCMP(me, 99999, 1, 0, 0);
	pid_t pid = child();
	if (pid == 0)
		for (;;)
			pause();
	for (int t = 1; t <= 4; t++) {
		KCMP(me, me, t, 0, 0);
		KCMP(me, pid, t, 0, 0);
	}
	KCMP(me, pid, 0, a, a);
	KCMP(me, pid, 0, a, p[0]);
	int sorted = syscall(SYS_kcmp, me, me, 0, a, b), turned = syscall(SYS_kcmp, me, me, 0, b, a);
	R(sorted + turned);
	pid_t user = child();
	if (user == 0) {
		setuid(1000);
		KCMP(getpid(), me, 1, 0, 0);
		fflush(stdout);
		_exit(0);
	}
	reap("user", user);
	kill(pid, SIGKILL);
	reap("child", pid);
}

static void names(void) {
	CASE("a host name stays inside its uts namespace", "clone sethostname uname");
	struct utsname u;
	char before[65];
	uname(&u);
	strcpy(before, u.nodename);
	fflush(stdout);
	pid_t pid = syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		R(sethostname("cloned", 6));
		uname(&u);
		printf("%s\n", u.nodename);
		fflush(stdout);
		_exit(0);
	}
	reap("clone", pid);
	uname(&u);
	R(strcmp(before, u.nodename));
}

int main(void) {
	pid_t pid = child();
	if (pid == 0) {
		policies();
		fflush(stdout);
		_exit(0);
	}
	reap("policies", pid);
	pid = child();
	if (pid == 0) {
		io();
		fflush(stdout);
		_exit(0);
	}
	reap("io", pid);
	compare();
	names();
	return 0;
}
