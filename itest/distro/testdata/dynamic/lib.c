// A library with a thread-local variable, a constructor and a function chosen when it is loaded (IFUNC).
#include <stdio.h>

__thread int local = 5;
static int loaded;

__attribute__((constructor)) static void start(void) { loaded = 1; }
__attribute__((destructor)) static void stop(void) { printf("library: done\n"); }

int bump(void) { return ++local + 100 * loaded; }

static int one(void) { return 111; }
static int two(void) { return 222; }
static int (*choose(void))(void) { return loaded ? one : two; }
int chosen(void) __attribute__((ifunc("choose")));
