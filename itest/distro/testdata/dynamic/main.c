// A program with every kind of link: libraries that need each other, thread-local variables of several modules, IFUNCs, a preloaded function, relocations that become
// read-only, and libraries that are loaded, called and refused while it runs. Arguments: a plugin, one that lacks a symbol, a file that is no library, Debian's libraries.
#include "../../../system/testdata/abi/abi.h"
#include <dlfcn.h>
#include <link.h>
#include <math.h>
#include <pthread.h>
#include <unistd.h>

extern __thread int local;
int bump(void), chosen(void), chain(void), chain_local(void);
static __thread int mine = 30;
static const char *const names[] = {"relro", "data"}; // relocated, then read-only
static int failures;

static void *thread(void *p) {
	local = 50;
	mine++;
	printf("thread: %d %d %d errno %d\n", bump(), mine, chain_local(), errno);
	return (void *)(long)signgam;
}

static void fault(int s) {
	printf("RELRO holds\n");
	fflush(stdout);
	_exit(failures);
}

static void *sym(void *h, const char *name) {
	void *f = h ? dlsym(h, name) : NULL;
	if (!f) {
		printf("dlsym %s: %s\n", name, dlerror());
		failures = 1;
	}
	return f;
}

// must loads a library that is there: that it does not load fails the program.
static void *must(const char *path, int how) {
	void *h = dlopen(path, how);
	printf("%s: %s\n", strrchr(path, '/') + 1, h ? "loaded" : dlerror());
	failures |= !h;
	return h;
}

// refused opens what cannot be loaded and prints why.
static void refused(const char *path) {
	void *h = dlopen(path, RTLD_NOW);
	printf("refused: %s\n", h ? "no" : dlerror());
	failures |= h != NULL;
}

static int objects(struct dl_phdr_info *i, size_t n, void *count) {
	++*(int *)count;
	return 0;
}

static int loaded(void) {
	int n = 0;
	dl_iterate_phdr(objects, &n);
	return n;
}

static void plugin(const char *path) {
	int before = loaded();
	void *h = must(path, RTLD_NOW);
	int (*f)(int) = sym(h, "plugin");
	printf("plugin: %d %d, %d more\n", f(3), f(4), loaded() - before);
	Dl_info where;
	printf("of: %d", dladdr(f, &where) != 0);
	printf(" %s\n", where.dli_sname);
	printf("symbol: %d\n", dlsym(h, "nothing") == NULL);
	printf("closed: %d", dlclose(h));
	printf(", %d more\n", loaded() - before);
	printf("not there any more: %d\n", dlopen(path, RTLD_NOW | RTLD_NOLOAD) == NULL);
	f = sym(must(path, RTLD_LAZY | RTLD_LOCAL), "plugin");
	printf("afresh: %d\n", f(3));
	f = sym(dlmopen(LM_ID_NEWLM, path, RTLD_NOW), "plugin");
	printf("beside: %d\n", f(3));
}

// systemd calls functions of libsystemd-shared, some of which ask the kernel.
static void systemd(void *h) {
	int (*boolean)(const char *) = sym(h, "parse_boolean");
	printf("parse_boolean: %d %d %d\n", boolean("yes"), boolean("off"), boolean("perhaps"));
	int (*size)(const char *, uint64_t, uint64_t *) = sym(h, "parse_size");
	uint64_t bytes = 0;
	printf("parse_size: %d", size("10M", 1024, &bytes));
	printf(" %lu\n", (unsigned long)bytes);
	int (*line)(const char *, char **) = sym(h, "read_one_line_file");
	char *text = NULL;
	printf("read_one_line_file: %d", line("/etc/debian_version", &text));
	printf(" %.3s\n", text);
	int (*comm)(pid_t, char **) = sym(h, "get_process_comm");
	printf("get_process_comm: %d", comm(0, &text));
	printf(" %s\n", text);
}

int main(int argc, char **argv) {
	printf("main: %d %d, chain %d, %d objects\n", bump(), chosen(), chain(), loaded());
	printf("preloaded: %d\n", getppid());
	pthread_t t;
	void *sign;
	errno = 12;
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, &sign);
	printf("main: %d %d %d errno %d\n", bump(), mine, chain_local(), errno);
	printf("%.6f %.6f %.3f %.6f\n", sin(1), pow(2, 0.5), strtod("2.5e3", NULL), lgamma(-0.5));
	printf("range: %d %d\n", isinf(exp(1e9)), errno == ERANGE);
	plugin(argv[1]);
	refused(argv[2]);
	refused(argv[3]);
	refused("/nope.so");
	refused("libnope.so.1");
	refused("/etc");
	for (int n = 4; n < argc; n++) {
		void *h = must(argv[n], RTLD_LAZY);
		if (strstr(argv[n], "systemd-shared"))
			systemd(h);
	}
	signal(SIGSEGV, fault);
	*(const char *volatile *)names = "x";
	return 9;
}
