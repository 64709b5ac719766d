#include "abi.h"
#include <pthread.h>
#include <linux/sched.h>
#include <sys/mman.h>

// What clone and clone3 share and what they do not, and paths through /proc/self/fd from many threads at once.

static volatile int handled;

static void handler(int s) { handled = s; }

// cloned makes a child that shares what the flags say and runs f; it has the caller's stack only if it has a memory of its own.
static void cloned(const char *what, unsigned long flags, int (*f)(void)) {
	struct clone_args a = {.flags = flags, .exit_signal = SIGCHLD};
	fflush(stdout);
	pid_t pid = syscall(SYS_clone3, &a, sizeof a);
	if (pid == 0)
		_exit(f());
	reap(what, pid);
}

static int opens(void) { return open("f", O_RDONLY) - 3; }

static int moves(void) { return chdir("d") || umask(0777) != 022; }

static int handles(void) { return signal(SIGUSR1, handler) == SIG_ERR; }

static void tables(void) {
	CASE("descriptors are shared with CLONE_FILES only", "clone3 wait4");
	put("f", "x");
	R(fcntl(3, F_GETFD));
	cloned("own", 0, opens);
	R(fcntl(3, F_GETFD));
	cloned("shared", CLONE_FILES, opens);
	R(fcntl(3, F_GETFD));
	close(3);

	CASE("directory and umask are shared with CLONE_FS only", "clone3 umask chdir");
	umask(022);
	mkdir("d", 0755);
	cloned("own", 0, moves);
	R(access("f", F_OK));
	cloned("shared", CLONE_FS, moves);
	R(access("f", F_OK));
	R(access("../f", F_OK));
	R(umask(022));
	R(chdir(".."));

	CASE("signal handlers are not shared by accident", "clone3 rt_sigaction");
	struct sigaction sa;
	cloned("own", 0, handles);
	sigaction(SIGUSR1, NULL, &sa);
	R(sa.sa_handler == SIG_DFL);
	cloned("cleared", CLONE_CLEAR_SIGHAND, handles);

	CASE("clone3 refuses what does not fit", "clone3");
	struct clone_args a = {.flags = CLONE_SIGHAND, .exit_signal = SIGCHLD};
	S(clone3, &a, sizeof a);
	a.flags = 0, a.exit_signal = 200;
	S(clone3, &a, sizeof a);
	a.exit_signal = SIGCHLD, a.stack = 4096;
	S(clone3, &a, sizeof a);
	a.stack = 0, a.flags = CLONE_SIGHAND | CLONE_CLEAR_SIGHAND | CLONE_VM;
	S(clone3, &a, sizeof a);
	S(clone3, 8, sizeof a);
	S(clone3, &a, 8192);

	CASE("ids are stored and cleared where clone is told", "clone set_tid_address");
	pid_t *ids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fflush(stdout);
	pid_t pid = syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, NULL, &ids[0], &ids[1], 0);
	if (pid == 0)
		_exit(ids[1] != getpid());
	R(ids[0] == pid);
	reap("ids", pid);
	R(ids[1] == pid);
	pid = syscall(SYS_clone, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, NULL, NULL, &ids[1], 0);
	if (pid == 0)
		_exit(0);
	reap("cleared", pid);
	R(ids[1] == 0 || ids[1] == pid); // the memory is shared, so it may be either

	CASE("a vfork child's exit_group spares its parent", "vfork exit_group");
	fflush(stdout);
	pid = vfork();
	if (pid == 0)
		syscall(SYS_exit_group, 3);
	reap("vfork", pid);
	R(getpid() > 0);
}

static int file;

static void *reopens(void *p) {
	char path[40];
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	long bad = 0;
	for (int i = 0; i < 50; i++) {
		int fd = open(path, O_RDONLY);
		char c = 0;
		if (fd < 0 || read(fd, &c, 1) != 1 || c != 'x')
			bad++;
		close(fd);
	}
	return (void *)bad;
}

int main(void) {
	tables();
	CASE("paths through /proc/self/fd work from many threads at once", "openat read close");
	file = open("f", O_RDONLY);
	pthread_t t[6];
	long bad = 0;
	for (int i = 0; i < 6; i++)
		pthread_create(&t[i], NULL, reopens, NULL);
	for (int i = 0; i < 6; i++) {
		void *r;
		pthread_join(t[i], &r);
		bad += (long)r;
	}
	R(bad);
	return 0;
}
