// One of a row of libraries, each of which needs the next one: N is its number, LAST is defined in the last one.
#define JOIN(a, b) a##b
#define NAME(a, n) JOIN(a, n)

static __thread int own = N;
static int started;

__attribute__((constructor)) static void start(void) { started = N; }

#ifdef LAST
int NAME(link_, N)(void) { return started; }
int NAME(local_, N)(void) { return own++; }
#else
int NAME(link_, NEXT)(void);
int NAME(local_, NEXT)(void);
int NAME(link_, N)(void) { return 10 * NAME(link_, NEXT)() + started; }
int NAME(local_, N)(void) { return own++ + NAME(local_, NEXT)(); }
#endif

#if N == 1
int chain(void) { return link_1(); }
int chain_local(void) { return local_1(); }
#endif
