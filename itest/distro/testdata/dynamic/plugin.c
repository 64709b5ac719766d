// What dlopen loads: it uses the first library's thread-local variable and one of its own.
#include <math.h>

extern __thread int local;
static __thread int own = 7;

int plugin(int n) { return local * 1000 + own++ + n + (int)sqrt(n * n); }
