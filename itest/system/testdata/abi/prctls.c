// prctl(2), capabilities, secure bits, and what a process may ask about others.
#include "abi.h"
#include <linux/capability.h>
#include <linux/prctl.h>
#include <sys/prctl.h>
#include <sys/reboot.h>

static int P(int op, long a, long b, long c, long d) { return prctl(op, a, b, c, d); }

struct caps {
	uint32_t eff, perm, inh;
};

static int setcaps(uint64_t eff, uint64_t perm, uint64_t inh) {
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct caps c[2] = {{eff, perm, inh}, {eff >> 32, perm >> 32, inh >> 32}};
	return syscall(SYS_capset, &h, c);
}

static uint64_t permitted(void) {
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct caps c[2];
	syscall(SYS_capget, &h, c);
	return c[0].perm | (uint64_t)c[1].perm << 32;
}

static void showcaps(const char *what) {
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct caps c[2];
	syscall(SYS_capget, &h, c);
	printf("%s: eff %d perm %d inh %d, ruid %d euid %d\n", what, c[0].eff != 0, c[0].perm != 0, c[0].inh != 0, getuid(), geteuid());
}

#define IN_CHILD(body) \
	do { \
		pid_t pid = child(); \
		if (pid == 0) { \
			body; \
			fflush(stdout); \
			_exit(0); \
		} \
		reap("child", pid); \
	} while (0)

static void plain(void) {
	CASE("prctl keeps numbers and names", "prctl");
	int v = 7;
	char name[16];
	R(P(PR_SET_PDEATHSIG, 65, 0, 0, 0));
	R(P(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0));
	R(P(PR_GET_PDEATHSIG, (long)&v, 0, 0, 0));
	R(v);
	R(P(PR_GET_PDEATHSIG, 0, 0, 0, 0));
	R(P(PR_GET_DUMPABLE, 0, 0, 0, 0));
	R(P(PR_SET_DUMPABLE, 2, 0, 0, 0));
	R(P(PR_SET_DUMPABLE, 0, 0, 0, 0));
	R(P(PR_GET_DUMPABLE, 0, 0, 0, 0));
	R(P(PR_SET_DUMPABLE, 1, 0, 0, 0));
	R(P(PR_SET_NAME, (long)"a name that is longer than that", 0, 0, 0));
	R(P(PR_GET_NAME, (long)name, 0, 0, 0));
	printf("%s\n", name);
	R(P(PR_SET_NAME, 1, 0, 0, 0));
	R(P(PR_GET_NAME, 1, 0, 0, 0));
	R(P(PR_SET_KEEPCAPS, 2, 0, 0, 0));
	R(P(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	R(P(PR_GET_KEEPCAPS, 0, 0, 0, 0));
	R(P(PR_GET_SECUREBITS, 0, 0, 0, 0));
	R(P(PR_SET_KEEPCAPS, 0, 0, 0, 0));
	R(P(PR_SET_CHILD_SUBREAPER, 5, 0, 0, 0));
	R(P(PR_GET_CHILD_SUBREAPER, (long)&v, 0, 0, 0));
	R(v);
	R(P(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	R(P(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
	R(P(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 1));
	R(P(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
	R(P(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	R(P(PR_SET_TIMERSLACK, 1234, 0, 0, 0));
	R(P(PR_GET_TIMERSLACK, 0, 0, 0, 0));
	R(P(PR_SET_TIMERSLACK, 0, 0, 0, 0));
	R(P(PR_GET_TIMERSLACK, 0, 0, 0, 0));
	R(P(PR_GET_TIMING, 0, 0, 0, 0));
	R(P(PR_SET_TIMING, 0, 0, 0, 0));
	R(P(PR_SET_TIMING, 1, 0, 0, 0));
	R(P(PR_GET_TSC, (long)&v, 0, 0, 0));
	R(v);
	R(P(PR_MCE_KILL_GET, 0, 0, 0, 0));
	R(P(PR_SET_THP_DISABLE, 1, 1, 0, 0));
	R(P(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	R(P(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	R(P(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	R(P(PR_GET_ENDIAN, (long)&v, 0, 0, 0));
	R(P(PR_GET_FPEMU, (long)&v, 0, 0, 0));
	R(P(12345, 0, 0, 0, 0));
}

static void capabilities(void) {
	CASE("bounding and ambient sets", "prctl capset");
	R(P(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0));
	R(P(PR_CAPBSET_READ, 63, 0, 0, 0));
	R(P(PR_CAPBSET_READ, 64, 0, 0, 0));
	R(P(PR_CAPBSET_DROP, 64, 0, 0, 0));
	R(P(PR_CAPBSET_DROP, CAP_SYS_TIME, 0, 0, 0));
	R(P(PR_CAPBSET_READ, CAP_SYS_TIME, 0, 0, 0));
	R(P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0));
	R(P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 64, 0, 0));
	R(P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 1, 0));
	R(P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	R(P(PR_CAP_AMBIENT, 9, CAP_CHOWN, 0, 0));
	R(P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
	uint64_t all = permitted(), chown = 1ULL << CAP_CHOWN;
	R(setcaps(all, all, chown));
	R(P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	R(P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0));
	R(P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_CHOWN, 0, 0));
	R(P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0));
	R(P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	R(setcaps(all, all, 0));
	R(P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0));
	R(setcaps(all & ~(1ULL << CAP_SETPCAP), all, 0));
	R(P(PR_CAPBSET_DROP, CAP_SYS_BOOT, 0, 0, 0));
	R(setcaps(all, all, 0));
	R(setcaps(chown, chown, 0));
	R(setcaps(all, all, 0));
	R(setcaps(all, chown, 0));
	R(P(PR_SET_MM, PR_SET_MM_ARG_START, 0x1000, 0, 0));
	CASE("capget and capset check header and process", "capget capset");
	struct __user_cap_header_struct h = {1234, 0};
	struct caps c[2];
	R(syscall(SYS_capget, &h, c));
	R(h.version == _LINUX_CAPABILITY_VERSION_3);
	h.version = 1234;
	R(syscall(SYS_capget, &h, NULL));
	h.pid = 99999;
	R(syscall(SYS_capget, &h, c));
	h.pid = -1;
	R(syscall(SYS_capget, &h, c));
	h.pid = 1;
	R(syscall(SYS_capset, &h, c));
}

static void securebits(void) {
	uint64_t all = permitted();
	CASE("secure bits change what user ids do, and can be locked", "prctl setresuid");
	R(P(PR_SET_SECUREBITS, 1 << 20, 0, 0, 0));
	R(P(PR_SET_SECUREBITS, 1 << 4, 0, 0, 0));
	R(P(PR_GET_KEEPCAPS, 0, 0, 0, 0));
	R(setresuid(1000, 1000, 1000));
	showcaps("kept");
	R(P(PR_SET_SECUREBITS, 0, 0, 0, 0));
	R(setcaps(all, all, 0));
	R(P(PR_SET_SECUREBITS, 1 << 2 | 1 << 3 | 1 << 7, 0, 0, 0));
	R(P(PR_GET_SECUREBITS, 0, 0, 0, 0));
	R(P(PR_SET_SECUREBITS, 1 << 2 | 1 << 7, 0, 0, 0));
	R(P(PR_SET_SECUREBITS, 1 << 3 | 1 << 7, 0, 0, 0));
	R(P(PR_SET_SECUREBITS, 1 << 2 | 1 << 3 | 1 << 6 | 1 << 7, 0, 0, 0));
	R(setresuid(0, 0, 0));
	R(setresuid(1000, 1000, 1000));
	showcaps("no fixup");
	R(P(PR_SET_KEEPCAPS, 1, 0, 0, 0));
}

int main(void) {
	IN_CHILD(plain());
	IN_CHILD(capabilities());
	IN_CHILD(securebits());
	IN_CHILD(R(setuid(1000)); R(P(PR_GET_DUMPABLE, 0, 0, 0, 0)); R(P(PR_CAPBSET_DROP, 1, 0, 0, 0)); R(P(PR_SET_SECUREBITS, 0, 0, 0, 0));
		R(P(PR_SET_MM, PR_SET_MM_ARG_START, 0x10000, 0, 0)); R(reboot(RB_DISABLE_CAD)); R(sethostname("x", 1)));
	CASE("reboot checks its magic numbers", "reboot");
	R(syscall(SYS_reboot, 1, 2, 3, 0));
	R(syscall(SYS_reboot, 0xfee1dead, 672274793, 12345, 0));
	return 0;
}
