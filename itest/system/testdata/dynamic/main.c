#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern __thread int local;
int bump(void);
int chosen(void);
static const char *const names[] = {"relro", "data"}; // relocated, then read-only

static void *thread(void *p) {
	local = 50;
	printf("thread: %d %d\n", bump(), errno);
	return NULL;
}

static void fault(int s) {
	printf("RELRO holds\n");
	fflush(stdout);
	_exit(3);
}

int main(int argc, char **argv) {
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("main: %d %d\n", bump(), chosen());
	pthread_t t;
	errno = 12;
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	printf("main: %d errno %d\n", bump(), errno);
	printf("%.6f %.6f %.3f\n", sin(1), pow(2, 0.5), strtod("2.5e3", NULL));
	void *h = dlopen(argv[1], RTLD_NOW);
	if (!h) {
		printf("dlopen: %s\n", dlerror());
		return 1;
	}
	int (*f)(int) = dlsym(h, "plugin");
	printf("plugin: %d %d\n", f(3), f(4));
	printf("symbol: %d\n", dlsym(h, "nothing") == NULL);
	printf("again: %d\n", dlclose(h));
	printf("absent: %d\n", dlopen("/nope.so", RTLD_NOW) == NULL);
	if (argc > 2)
		printf("preloaded: %d\n", getppid());
	for (int n = 2; n < argc; n++) {
		h = dlopen(argv[n], RTLD_LAZY);
		printf("%s: %s\n", strrchr(argv[n], '/') + 1, h ? "loaded" : dlerror());
	}
	signal(SIGSEGV, fault);
	*(const char *volatile *)names = "x";
	return 0;
}
