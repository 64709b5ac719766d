// Takes the place of a function of libc.
#include <sys/types.h>

pid_t getppid(void) { return 4242; }
