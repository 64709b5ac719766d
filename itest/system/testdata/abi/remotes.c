// Other processes' memory: process_vm_readv(2), process_vm_writev(2) and process_madvise(2).
#include "abi.h"
#include <sys/mman.h>
#include <sys/uio.h>

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)
#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif

static char *area; // at the same address in all
static int go[2];

// sleeper is a child that waits for a byte, and says how the first page of its area begins.
static pid_t sleeper(int uid) {
	pid_t pid = child();
	if (pid != 0)
		return pid;
	char c;
	setresuid(uid, uid, uid);
	memset(area, 'c', 3 * PAGE);
	memset(area + PAGE, 'd', PAGE);
	mprotect(area + 2 * PAGE, PAGE, PROT_READ);
	munmap(area + 3 * PAGE, PAGE);
	write(go[1], "", 1);
	pause();
	_exit(0);
}

static void caught(int sig) { _exit(area[0] * 2 == area[1] ? 0 : area[0]); }

static void copies(void) {
	CASE("process_vm_readv and process_vm_writev copy as far as they can", "process_vm_readv process_vm_writev");
	char a[3 * PAGE], b[100], c;
	pipe(go);
	signal(SIGUSR1, caught);
	pid_t pid = sleeper(0);
	read(go[0], &c, 1);
	struct iovec l[3] = {{a, 10}, {b, 0}, {b, 20}}, r[2] = {{area + PAGE - 15, 25}, {area, 5}};
	R(process_vm_readv(pid, l, 3, r, 2, 0));
	printf("%.10s %.20s\n", a, b);
	R(process_vm_readv(pid, l, 1, r, 1, 0));
	R(process_vm_readv(pid, l, 1, r, 1, 1));
	R(process_vm_readv(pid, l, 0, r, 1, 0));
	R(process_vm_readv(pid, l, 1, r, 0, 0));
	R(process_vm_readv(pid, l, 2000, r, 1, 0));
	R(process_vm_readv(pid, NULL, 1, r, 1, 0));
	R(process_vm_readv(pid, l, 1, NULL, 1, 0));
	R(process_vm_readv(99999, l, 1, r, 1, 0));
	struct iovec all = {a, sizeof a}, end = {area + 2 * PAGE, 2 * PAGE}, none = {area + 3 * PAGE, 10}, nowhere = {(void *)8, 10};
	R(process_vm_readv(pid, &all, 1, &end, 1, 0)); // up to the hole
	R(process_vm_readv(pid, &all, 1, &none, 1, 0));
	R(process_vm_readv(pid, &nowhere, 1, &end, 1, 0));
	memset(a, 'W', sizeof a);
	struct iovec some = {a, 2}, first = {area, 2}, two = {area + PAGE, 2 * PAGE};
	R(process_vm_writev(pid, &some, 1, &first, 1, 0));
	R(process_vm_writev(pid, &all, 1, &two, 1, 0)); // up to what may only be read
	R(process_vm_writev(pid, &all, 1, &end, 1, 0));
	a[0] = 33;
	a[1] = 66;
	R(process_vm_writev(pid, &some, 1, &first, 1, 0));
	R(process_vm_readv(getpid(), l, 1, &(struct iovec){b, 3}, 1, 0));
	kill(pid, SIGUSR1);
	waitid(P_PID, pid, NULL, WEXITED | WNOWAIT);
	R(process_vm_readv(pid, l, 1, r, 1, 0));
	reap("written to", pid);
	R(process_vm_readv(pid, l, 1, r, 1, 0));

	CASE("only who may trace a process", "process_vm_readv process_madvise pidfd_open");
	pid = sleeper(0);
	read(go[0], &c, 1);
	pid_t user = child();
	if (user == 0) {
		setresuid(1000, 1000, 1000);
		R(process_vm_readv(pid, l, 1, r, 1, 0));
		R(process_vm_writev(pid, l, 1, r, 1, 0));
		_exit(0);
	}
	reap("a user", user);

	CASE("process_madvise", "process_madvise");
	int fd = syscall(SYS_pidfd_open, pid, 0);
	struct iovec v[2] = {{area, PAGE}, {area + PAGE, 2 * PAGE}}, hole = {area + 3 * PAGE, PAGE}, odd = {area + 1, PAGE};
	S(process_madvise, fd, v, 2, MADV_COLD, 0);
	S(process_madvise, fd, v, 2, MADV_PAGEOUT, 0);
	S(process_madvise, fd, v, 2, MADV_WILLNEED, 0);
	S(process_madvise, fd, v, 2, MADV_COLD, 1);
	S(process_madvise, fd, v, 2, 9999, 0);
	S(process_madvise, fd, &hole, 1, MADV_COLD, 0);
	S(process_madvise, fd, &odd, 1, MADV_COLD, 0);
	S(process_madvise, 99, v, 2, MADV_COLD, 0);
	S(process_madvise, 0, v, 2, MADV_COLD, 0);
	kill(pid, SIGKILL);
	reap("killed", pid);
	S(process_madvise, fd, v, 2, MADV_COLD, 0);
}

int main(void) {
	area = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	copies();
	return 0;
}
