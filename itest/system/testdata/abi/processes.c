#include "abi.h"
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

extern char **environ;
static char stack[65536];
static int shared;

static int cloned(void *p) {
	shared = 7;
	return 3;
}

static void on_usr1(int s) {}

int main(int argc, char **argv) {
	if (argc > 1) { // what exec leaves
		printf("argc %d argv1 %s env %s\n", argc, argv[1], getenv("KEY") ? getenv("KEY") : "none");
		struct sigaction sa;
		sigaction(SIGUSR1, NULL, &sa);
		R(sa.sa_handler == SIG_DFL);
		sigaction(SIGUSR2, NULL, &sa);
		R(sa.sa_handler == SIG_IGN);
		sigset_t set;
		sigprocmask(SIG_SETMASK, NULL, &set);
		R(sigismember(&set, SIGHUP));
		R(sigismember(&set, SIGTERM));
		R(fcntl(50, F_GETFD));
		R(fcntl(51, F_GETFD));
		int here;
		R((unsigned long)__builtin_frame_address(0) % 16);
		(void)here;
		return 9;
	}
	CASE("fork and wait4", "fork wait4 exit_group");
	int s;
	R(fork() > 0 ? 0 : (_exit(3), 0));
	R(wait(&s) > 0);
	R(s);
	R(wait(&s));
	R(waitpid(99999, &s, 0));
	R(waitpid(-1, &s, 0x4000000));
	int gate[2];
	char none;
	pipe(gate);
	pid_t pid = child();
	if (pid == 0) {
		close(gate[1]);
		read(gate[0], &none, 1); // until the parent has looked
		_exit(200);
	}
	R(waitpid(pid, &s, WNOHANG));
	R(waitpid(-1, &s, WNOHANG));
	R(kill(pid, 0));
	close(gate[0]);
	close(gate[1]);
	CASE("waitid leaves and takes a zombie", "waitid kill");
	siginfo_t si;
	memset(&si, 0, sizeof si);
	R(waitid(P_PID, pid, &si, WEXITED | WNOWAIT));
	R(si.si_pid == pid);
	R(si.si_signo * 1000 + si.si_code);
	R(si.si_status);
	R(kill(pid, 0)); // a zombie
	R(waitid(P_PID, pid, &si, WEXITED | WNOHANG));
	R(waitid(P_PID, pid, &si, WEXITED));
	R(waitid(P_PID, pid, &si, 0));
	R(kill(pid, 0));

	CASE("how a process ends by its faults", "wait4 tgkill");
	pid = child();
	if (pid == 0)
		abort();
	reap("abort", pid);
	pid = child();
	if (pid == 0) {
		*(volatile int *)0 = 1;
		_exit(0);
	}
	reap("null", pid);
	pid = child();
	if (pid == 0) {
		volatile int zero = 0;
		_exit(1 / zero);
	}
	reap("divide", pid);
	pid = child();
	if (pid == 0)
		__asm__("ud2");
	reap("ud2", pid);
	CASE("stop, continue and kill are reported", "kill wait4 pause");
	pid = child();
	if (pid == 0) {
		for (;;)
			pause();
	}
	R(kill(pid, SIGSTOP));
	R(waitpid(pid, &s, WUNTRACED) == pid);
	R(WIFSTOPPED(s) ? WSTOPSIG(s) : -1);
	R(kill(pid, SIGCONT));
	R(waitpid(pid, &s, WCONTINUED) == pid);
	R(WIFCONTINUED(s));
	R(kill(pid, SIGKILL));
	reap("kill", pid);

	CASE("what exec keeps and what it resets", "execve rt_sigaction rt_sigprocmask fcntl");
	// exec.
	signal(SIGUSR1, on_usr1);
	signal(SIGUSR2, SIG_IGN);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	dup2(1, 50);
	fcntl(1, F_DUPFD_CLOEXEC, 51);
	setenv("KEY", "value", 1);
	pid = child();
	if (pid == 0) {
		execl(argv[0], argv[0], "again", "3", NULL);
		_exit(99);
	}
	reap("exec", pid);
	close(50);
	CASE("what cannot be executed; scripts", "execve");
	R(execl("/nope", "x", NULL));
	put("text", "no program");
	chmod("text", 0755);
	R(execl("./text", "text", NULL));
	put("plain", "#!/bin/sh\n");
	R(execl("./plain", "plain", NULL));
	R(execl(".", ".", NULL));
	put("script", "#!/nope/interpreter\n");
	chmod("script", 0755);
	R(execl("./script", "script", NULL));
	char line[PATH_MAX + 8];
	snprintf(line, sizeof line, "#!%s from script\nrest\n", argv[0]);
	put("script2", line);
	chmod("script2", 0755);
	pid = child();
	if (pid == 0) {
		execl("./script2", "script2", "arg", NULL);
		_exit(99);
	}
	reap("script", pid);
	CASE("posix_spawn and vfork", "vfork execve");
	char *args[] = {argv[0], "spawned", NULL};
	int spawned = posix_spawn(&pid, argv[0], NULL, NULL, args, environ);
	reap("spawn", pid); // which prints by itself
	R(spawned);
	R(posix_spawn(&pid, "/nope", NULL, NULL, args, environ));
	volatile int seen = 0;
	fflush(stdout);
	pid = vfork();
	if (pid == 0) {
		seen = 5; // in the parent's memory
		_exit(4);
	}
	R(seen);
	reap("vfork", pid);

	CASE("clone shares what it is told", "clone clone3");
	// clone.
	pid = clone(cloned, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
	reap("clone", pid);
	R(shared);
	pid = clone(cloned, stack + sizeof stack, CLONE_VM, NULL);
	R(waitpid(pid, &s, 0));
	R(waitpid(pid, &s, __WCLONE) == pid);
	R(clone(cloned, stack + sizeof stack, CLONE_THREAD, NULL));
	R(clone(cloned, stack + sizeof stack, CLONE_SIGHAND, NULL));
	R(syscall(SYS_clone3, NULL, 88));
	R(syscall(SYS_clone3, line, 8));

	CASE("orphans go to a subreaper", "prctl getppid");
	// An orphan goes to process 1 or to a subreaper.
	int p[2];
	pipe(p);
	R(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid = child();
	if (pid == 0) {
		if (fork() == 0) {
			nap(30);
			char c = '0' + (getppid() != 1);
			write(p[1], &c, 1);
			_exit(44);
		}
		_exit(0);
	}
	reap("parent", pid);
	char c = 0;
	read(p[0], &c, 1);
	printf("orphan %c\n", c);
	R(waitpid(-1, &s, 0) > 0);
	R(WEXITSTATUS(s));
	prctl(PR_SET_CHILD_SUBREAPER, 0);

	CASE("ignored SIGCHLD leaves no zombies", "wait4 rt_sigaction");
	// SIGCHLD ignored: nothing to wait for.
	signal(SIGCHLD, SIG_IGN);
	pid = child();
	if (pid == 0)
		_exit(1);
	R(waitpid(pid, &s, 0));
	signal(SIGCHLD, SIG_DFL);

	CASE("prctl on names and flags", "prctl");
	R(prctl(PR_SET_NAME, "a-name-that-is-too-long"));
	char name[17] = "";
	R(prctl(PR_GET_NAME, name));
	printf("%s\n", name);
	R(prctl(PR_SET_PDEATHSIG, SIGTERM));
	int v = 0;
	R(prctl(PR_GET_PDEATHSIG, &v));
	R(v);
	R(prctl(PR_GET_DUMPABLE));
	R(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	R(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	R(prctl(PR_CAPBSET_READ, 0));
	R(prctl(PR_CAPBSET_READ, 1000));
	R(prctl(99999));
	CASE("limits and usage", "prlimit64 getrusage");
	struct rlimit r;
	R(getrlimit(RLIMIT_CORE, &r));
	r.rlim_cur = 100, r.rlim_max = 50;
	R(setrlimit(RLIMIT_CORE, &r));
	R(getrlimit(99, &r));
	R(prlimit(0, RLIMIT_NPROC, NULL, NULL));
	struct rusage u;
	R(getrusage(RUSAGE_SELF, &u));
	R(getrusage(RUSAGE_CHILDREN, &u));
	R(getrusage(77, &u));
	CASE("nice values", "getpriority setpriority");
	R(getpriority(PRIO_PROCESS, 0));
	R(setpriority(PRIO_PROCESS, 0, 5));
	R(getpriority(PRIO_PROCESS, 0));
	R(setpriority(PRIO_PROCESS, 0, 100));
	R(getpriority(PRIO_PROCESS, 0));
	R(getpriority(77, 0));
	R(getpriority(PRIO_PROCESS, 99999));
	pid = child();
	if (pid == 0) {
		R(getpriority(PRIO_PROCESS, 0));
		setuid(1000);
		R(setpriority(PRIO_PROCESS, 0, 2));
		R(setpriority(PRIO_PROCESS, 0, 19));
		fflush(stdout);
		_exit(0);
	}
	reap("nice", pid);
	R(nice(-100));
	R(getpriority(PRIO_PROCESS, 0));
	CASE("the scheduler", "sched_getscheduler sched_getparam sched_setscheduler sched_get_priority_max sched_yield sched_getaffinity sched_setaffinity");
	R(sched_getscheduler(0));
	struct sched_param sp = {0};
	R(sched_getparam(0, &sp));
	R(sched_setscheduler(0, SCHED_OTHER, &sp));
	R(sched_get_priority_max(SCHED_FIFO));
	R(sched_yield());
	cpu_set_t cpus;
	R(sched_getaffinity(0, sizeof cpus, &cpus));
	R(CPU_ISSET(0, &cpus));
	CPU_ZERO(&cpus);
	R(sched_setaffinity(0, sizeof cpus, &cpus));
	CPU_SET(0, &cpus);
	R(sched_setaffinity(0, sizeof cpus, &cpus));
	R(sched_setaffinity(99999, sizeof cpus, &cpus));
	return 0;
}
