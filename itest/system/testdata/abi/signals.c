#include "abi.h"
#include <setjmp.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile int count, last, code, value, onstack, depth, maxdepth;
static char alt[65536];
static sigjmp_buf env;

static void plain(int s) {
	count++;
	last = s;
}

static void info(int s, siginfo_t *i, void *u) {
	count++;
	last = s;
	code = i->si_code;
	value = i->si_value.sival_int;
}

static void stack(int s) {
	char here;
	onstack = &here >= alt && &here < alt + sizeof alt;
}

static void nested(int s) {
	depth++;
	if (depth > maxdepth)
		maxdepth = depth;
	if (s == SIGUSR1)
		raise(SIGUSR2);
	depth--;
}

static void self(int s) {
	if (++depth > maxdepth)
		maxdepth = depth;
	if (count++ < 3)
		raise(s);
	depth--;
}

static void overflow(int s, siginfo_t *i, void *u) { siglongjmp(env, s); }

static void skip(int s, siginfo_t *i, void *u) {
	ucontext_t *c = u;
	c->uc_mcontext.gregs[REG_RIP] += 2; // ud2
	c->uc_mcontext.gregs[REG_RBX] = 0x77;
}

// astray returns to no address.
static void astray(int s, siginfo_t *i, void *u) { ((ucontext_t *)u)->uc_mcontext.gregs[REG_RIP] = 1UL << 63; }

static void caughtAstray(int s, siginfo_t *i, void *u) {
	printf("signal %d code %d from %llx\n", s, i->si_code, ((ucontext_t *)u)->uc_mcontext.gregs[REG_RIP]);
	fflush(stdout);
	_exit(6);
}

// wild runs a child with handlers for SIGUSR1 and SIGSEGV.
static void wild(const char *what, void *usr1, int usr1Flags, void *segv, int segvFlags) {
	pid_t pid = child();
	if (pid == 0) {
		struct sigaction a = {.sa_handler = usr1, .sa_flags = usr1Flags | SA_SIGINFO}, b = {.sa_handler = segv, .sa_flags = segvFlags | SA_SIGINFO};
		sigaction(SIGUSR1, &a, NULL);
		signal(SIGSEGV, SIG_DFL);
		signal(SIGALRM, SIG_DFL);
		if (segv)
			sigaction(SIGSEGV, &b, NULL);
		alarm(20);
		raise(SIGUSR1);
		_exit(1);
	}
	reap(what, pid);
}

static void wilds(void) {
	void *no = (void *)(1UL << 63);
	CASE("a handler or a frame whose address is none is SIGSEGV", "rt_sigaction rt_sigreturn");
	wild("handler", no, 0, NULL, 0);
	wild("handler in the kernel", (void *)-4096, 0, NULL, 0);
	wild("handler, caught", no, 0, caughtAstray, 0);
	wild("handler and that of SIGSEGV", no, 0, no, 0);
	wild("frame", astray, 0, NULL, 0);
	wild("frame, caught", astray, 0, caughtAstray, 0);
}

static int deep(int n) {
	volatile char b[1000];
	b[0] = n;
	return deep(n + 1) + b[0];
}

static void pendingset(void) {
	sigset_t s;
	sigpending(&s);
	printf("pending");
	for (int i = 1; i < 65; i++)
		if (sigismember(&s, i))
			printf(" %d", i);
	printf("\n");
}

int main(void) {
	CASE("a handler is set and runs", "rt_sigaction rt_sigreturn tgkill kill");
	sigset_t set, old;
	struct sigaction sa = {.sa_handler = plain}, was;
	R(sigaction(SIGUSR1, &sa, NULL));
	R(sigaction(SIGUSR1, NULL, &was));
	R(was.sa_handler == plain);
	R(sigaction(SIGKILL, &sa, NULL));
	R(sigaction(65, &sa, NULL));
	R(raise(SIGUSR1));
	R(count * 100 + last);
	R(kill(getpid(), SIGUSR1));
	R(count);
	R(kill(getpid(), 77));
	R(kill(getpid(), 0));

	CASE("blocked signals are pending and merged", "rt_sigprocmask rt_sigpending");
	// Blocked, pending, merged.
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	R(sigprocmask(SIG_BLOCK, &set, &old));
	R(sigismember(&old, SIGUSR1));
	raise(SIGUSR1);
	raise(SIGUSR1);
	pendingset();
	R(count);
	R(sigprocmask(SIG_UNBLOCK, &set, NULL));
	R(count);
	pendingset();
	R(sigprocmask(77, &set, NULL));

	CASE("real-time signals queue in order", "rt_sigqueueinfo rt_sigtimedwait");
	// Real-time signals queue in order.
	sa = (struct sigaction){.sa_sigaction = info, .sa_flags = SA_SIGINFO};
	sigaction(SIGRTMIN, &sa, NULL);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	count = 0;
	for (int i = 0; i < 3; i++)
		sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i + 10});
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 99});
	siginfo_t si;
	R(sigwaitinfo(&set, &si) == SIGRTMIN);
	R(si.si_value.sival_int);
	R(si.si_code);
	R(si.si_pid == getpid());
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	R(count);
	R(code);
	struct timespec ts = {0, 10000000};
	R(sigtimedwait(&set, &si, &ts));
	ts = (struct timespec){0, -1};
	R(sigtimedwait(&set, &si, &ts));
	sigaction(SIGUSR1, &sa, NULL);
	kill(getpid(), SIGUSR1);
	R(code);
	raise(SIGUSR1);
	R(code);

	CASE("handlers on an alternate stack", "sigaltstack");
	// sigaltstack.
	stack_t st = {.ss_sp = alt, .ss_size = sizeof alt}, ost;
	R(sigaltstack(NULL, &ost));
	R(ost.ss_flags);
	R(sigaltstack(&st, NULL));
	sa = (struct sigaction){.sa_handler = stack, .sa_flags = SA_ONSTACK};
	sigaction(SIGUSR2, &sa, NULL);
	raise(SIGUSR2);
	R(onstack);
	sa.sa_flags = 0;
	sigaction(SIGUSR2, &sa, NULL);
	raise(SIGUSR2);
	R(onstack);
	st.ss_size = 10;
	R(sigaltstack(&st, NULL));
	st.ss_flags = 77;
	R(sigaltstack(&st, NULL));
	sa = (struct sigaction){.sa_sigaction = overflow, .sa_flags = SA_ONSTACK | SA_SIGINFO};
	sigaction(SIGSEGV, &sa, NULL);
	int r = sigsetjmp(env, 1);
	if (r == 0)
		deep(0);
	R(r);
	r = sigsetjmp(env, 1);
	if (r == 0)
		*(volatile int *)8 = 1;
	R(r);

	CASE("nesting, masks and SA_RESETHAND", "rt_sigaction rt_sigreturn");
	// Nesting and masks.
	sa = (struct sigaction){.sa_handler = nested};
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	raise(SIGUSR1);
	R(maxdepth);
	maxdepth = 0;
	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	R(maxdepth);
	maxdepth = count = 0;
	sa = (struct sigaction){.sa_handler = self};
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	R(maxdepth * 10 + count);
	maxdepth = count = 0;
	sa.sa_flags = SA_NODEFER;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	R(maxdepth * 10 + count);
	sa = (struct sigaction){.sa_handler = plain, .sa_flags = SA_RESETHAND};
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &was);
	R(was.sa_handler == SIG_DFL);

	CASE("a handler changes registers, and others survive", "rt_sigreturn");
	// A handler changes registers.
	sa = (struct sigaction){.sa_sigaction = skip, .sa_flags = SA_SIGINFO};
	sigaction(SIGILL, &sa, NULL);
	long rbx = 0;
	__asm__ volatile("xor %%ebx, %%ebx\nud2\nmov %%rbx, %0" : "=r"(rbx) : : "rbx");
	R(rbx);
	// The red zone and SSE survive.
	double d = 1.5;
	signal(SIGUSR1, plain);
	for (int i = 0; i < 3; i++) {
		raise(SIGUSR1);
		d *= 2;
	}
	printf("%.1f\n", d);

	CASE("interrupted calls end or begin again", "setitimer read nanosleep pause rt_sigsuspend alarm");
	// Interrupted calls. The timer goes on: what comes before the call, since a server was killed meanwhile, is not the last.
	int p[2];
	char c;
	pipe(p);
	sa = (struct sigaction){.sa_handler = plain};
	sigaction(SIGALRM, &sa, NULL);
	struct itimerval it = {.it_value = {0, 30000}, .it_interval = {0, 30000}};
	R(setitimer(ITIMER_REAL, &it, NULL));
	R(read(p[0], &c, 1));
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	count = 0;
	setitimer(ITIMER_REAL, &it, NULL);
	pid_t pid = child();
	if (pid == 0) {
		nap(150);
		write(p[1], "x", 1);
		_exit(0);
	}
	R(read(p[0], &c, 1));
	R(count > 0);
	reap("writer", pid);
	setitimer(ITIMER_REAL, &it, NULL);
	ts = (struct timespec){10, 0};
	R(nanosleep(&ts, &ts));
	R(ts.tv_sec);
	setitimer(ITIMER_REAL, &it, NULL);
	R(pause());
	setitimer(ITIMER_REAL, &it, NULL);
	sigemptyset(&set);
	R(sigsuspend(&set));
	it.it_interval = (struct timeval){0, 10000};
	count = 0;
	setitimer(ITIMER_REAL, &it, NULL);
	while (count < 5)
		pause();
	R(count >= 5);
	it = (struct itimerval){0};
	R(setitimer(ITIMER_REAL, &it, NULL));
	it.it_value.tv_usec = 2000000;
	R(setitimer(ITIMER_REAL, &it, NULL));
	R(alarm(100));
	R(alarm(0));

	CASE("ignored, default and blocked signals; SIGKILL reaches all", "rt_sigprocmask kill");
	// Ignored and default.
	signal(SIGTERM, SIG_IGN);
	R(raise(SIGTERM));
	signal(SIGWINCH, SIG_DFL);
	R(raise(SIGWINCH));
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sigprocmask(SIG_SETMASK, NULL, &old);
	R(sigismember(&old, SIGKILL));
	R(sigismember(&old, SIGSTOP));
	R(sigismember(&old, SIGTERM));
	pid = child();
	if (pid == 0) {
		for (;;)
			nap(1000); // everything blocked
	}
	R(kill(pid, SIGTERM));
	R(kill(pid, SIGKILL));
	reap("blocked", pid);
	pid = child();
	if (pid == 0) {
		sigemptyset(&set);
		sigprocmask(SIG_SETMASK, &set, NULL);
		signal(SIGTERM, SIG_DFL);
		for (volatile long i = 0;; i++) // runs, not sleeps
			;
	}
	nap(20);
	R(kill(pid, SIGTERM));
	reap("running", pid);
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	wilds();
	return 0;
}
