#include "abi.h"
#include <pthread.h>

static volatile double third = 1.0 / 3, zero;

// control prints what a program finds in the x87 and SSE control words, and what it computes with them.
static void control(const char *who) {
	unsigned short fcw;
	unsigned mxcsr;
	asm volatile("fnstcw %0" : "=m"(fcw));
	asm volatile("stmxcsr %0" : "=m"(mxcsr));
	volatile long double l = third, three = 3;
	printf("%s: %x %x %.17g %.20Lg %g\n", who, fcw, mxcsr & ~0x3f, (double)l, 1 / three, 1 / zero);
}

static void onSignal(int sig) { control("handler"); }

static void *thread(void *p) {
	control("thread");
	return p;
}

int main(int argc, char **argv) {
	if (argc > 1) {
		control("new program");
		return 0;
	}
	CASE("the control words of x87 and SSE", "execve clone fork rt_sigreturn");
	control("program");
	signal(SIGUSR1, onSignal);
	raise(SIGUSR1);
	control("after the handler");
	unsigned short down = 0x77f;
	asm volatile("fldcw %0" : : "m"(down));
	control("rounding down");
	pthread_t t;
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	pid_t pid = child();
	if (pid == 0) {
		control("child");
		execl("/proc/self/exe", "again", "again", NULL);
		_exit(9);
	}
	reap("child", pid);
	return 0;
}
