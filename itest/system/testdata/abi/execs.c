// execve(2) and execveat(2): errors, scripts, set-id programs, the auxiliary vector, damaged ELF files.
#include "abi.h"
#include <elf.h>
#include <ftw.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static char self[PATH_MAX];
static const char *dir = "/execs.dir";

static void copy(const char *to, mode_t mode, void (*damage)(unsigned char *, size_t)) {
	int in = open(self, O_RDONLY), out;
	struct stat st;
	fstat(in, &st);
	unsigned char *b = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, in, 0);
	if (damage)
		damage(b, st.st_size);
	unlink(to);
	out = open(to, O_CREAT | O_WRONLY, 0700);
	for (off_t done = 0; done < st.st_size;)
		done += write(out, b + done, st.st_size - done);
	close(out);
	close(in);
	munmap(b, st.st_size);
	chmod(to, mode);
}

static void text(const char *path, const char *s, mode_t mode) {
	unlink(path);
	put(path, s);
	chmod(path, mode);
}

// run execs in a child and says how that ended.
static void run(const char *what, const char *path, char *const argv[]) {
	char *envp[] = {"A=1", NULL};
	pid_t pid = child();
	if (pid == 0) {
		execve(path, argv, envp);
		printf("%s: %s\n", what, strerrorname_np(errno));
		fflush(stdout);
		_exit(100);
	}
	reap(what, pid);
}

static void run1(const char *what, const char *path, const char *arg) {
	char *argv[] = {(char *)path, (char *)arg, NULL};
	run(what, path, argv);
}

static void at(const char *what, int fd, const char *path, int flags, const char *arg) {
	char *argv[] = {"at", (char *)arg, NULL}, *envp[] = {NULL};
	pid_t pid = child();
	if (pid == 0) {
		syscall(SYS_execveat, fd, path, argv, envp, flags);
		printf("%s: %s\n", what, strerrorname_np(errno));
		fflush(stdout);
		_exit(100);
	}
	reap(what, pid);
}

static Elf64_Ehdr *eh(unsigned char *b) { return (Elf64_Ehdr *)b; }
static Elf64_Phdr *load(unsigned char *b, int n) {
	Elf64_Phdr *p = (Elf64_Phdr *)(b + eh(b)->e_phoff);
	for (int i = 0; i < eh(b)->e_phnum; i++)
		if (p[i].p_type == PT_LOAD && n-- == 0)
			return p + i;
	abort();
}
static void magic(unsigned char *b, size_t n) { b[1] = 'X'; }
static void class32(unsigned char *b, size_t n) { b[EI_CLASS] = ELFCLASS32; }
static void machine(unsigned char *b, size_t n) { eh(b)->e_machine = EM_AARCH64; }
static void type(unsigned char *b, size_t n) { eh(b)->e_type = ET_CORE; }
static void phnum(unsigned char *b, size_t n) { eh(b)->e_phnum = 0; }
static void phsize(unsigned char *b, size_t n) { eh(b)->e_phentsize = 1; }
static void phoff(unsigned char *b, size_t n) { eh(b)->e_phoff = n * 2; }
static void filesz(unsigned char *b, size_t n) { load(b, 1)->p_filesz = load(b, 1)->p_memsz + 1; }
static void memsz(unsigned char *b, size_t n) { load(b, 0)->p_memsz = 1UL << 60; }
static void entry(unsigned char *b, size_t n) { eh(b)->e_entry = 8; }
static void interp(unsigned char *b, size_t n) {
	Elf64_Phdr *p = (Elf64_Phdr *)(b + eh(b)->e_phoff);
	for (int i = 0; i < eh(b)->e_phnum; i++)
		if (p[i].p_type == PT_GNU_STACK) {
			p[i].p_type = PT_INTERP;
			p[i].p_offset = 64 + 56 * 20;
			strcpy((char *)b + p[i].p_offset, "/execs.dir/interp");
			p[i].p_filesz = strlen("/execs.dir/interp") + 1;
		}
}

static void errors(void) {
	CASE("execve says why it does not", "execve");
	run1("nothing", "/execs.dir/nothing", NULL);
	run1("a directory", dir, NULL);
	text("plain", "echo\n", 0644);
	run1("no right", "plain", NULL);
	text("plain", "no magic\n", 0755);
	run1("no format", "plain", NULL);
	text("plain", "", 0755);
	run1("empty", "plain", NULL);
	text("plain", "\x7f" "ELF", 0755);
	run1("short", "plain", NULL);
	run1("a file as a directory", "plain/x", NULL);
	run1("no path", "", NULL);
	char *argv[] = {"x", NULL};
	R(execve((char *)8, argv, NULL));
	R(execve(self, (char **)8, NULL));
	R(execve(self, (char *[]){(char *)8, NULL}, NULL));
	symlink("loop", "loop");
	run1("a loop", "loop", NULL);
	copy("only", 0111, NULL);
	pid_t pid = child();
	if (pid == 0) {
		setuid(1000);
		run1("who may only execute", "only", "exit7");
		fflush(stdout);
		_exit(0);
	}
	reap("user", pid);
}

static void damaged(void) {
	CASE("damaged ELF files are refused, or end the process that had given up its old image", "execve");
	struct {
		const char *name;
		void (*f)(unsigned char *, size_t);
	} list[] = {{"magic", magic}, {"class", class32}, {"machine", machine}, {"type", type}, {"phnum", phnum}, {"phsize", phsize},
		{"phoff", phoff}, {"filesz", filesz}, {"memsz", memsz}, {"entry", entry}};
	for (int i = 0; i < sizeof list / sizeof *list; i++) {
		copy("damaged", 0755, list[i].f);
		run1(list[i].name, "./damaged", "exit7");
	}
	copy("damaged", 0755, interp);
	unlink("/execs.dir/interp");
	run1("interpreter absent", "./damaged", "exit7");
	text("/execs.dir/interp", "text", 0755);
	run1("interpreter is text", "./damaged", "exit7");
	chmod("/execs.dir/interp", 0644);
	run1("interpreter is not executable", "./damaged", "exit7");
	unlink("/execs.dir/interp");
}

static void scripts(void) {
	CASE("scripts run their interpreter with what stands in the line", "execve");
	char line[400];
	symlink(self, "/execs.dir/me");
	text("s", "#!/execs.dir/me args", 0755);
	run1("argument", "./s", "x");
	text("s", "#! \t/execs.dir/me \targs more  \nsecond\n", 0755);
	run1("one argument", "./s", "x");
	text("s", "#!/execs.dir/me\n", 0755);
	run1("no argument", "./s", "args");
	run("no argv", "./s", (char *[]){NULL});
	text("s", "#!\n", 0755);
	run1("no interpreter", "./s", "x");
	text("s", "#!   ", 0755);
	run1("blanks", "./s", "x");
	text("s", "#!/execs.dir/none\n", 0755);
	run1("interpreter absent", "./s", "x");
	text("s", "#!/execs.dir\n", 0755);
	run1("a directory", "./s", "x");
	memset(line, 'a', sizeof line);
	memcpy(line, "#!/execs.dir/", 13);
	line[399] = 0;
	text("s", line, 0755);
	run1("a long name", "./s", "x");
	memcpy(line, "#!/execs.dir/me ", 16);
	text("s", line, 0755);
	run1("a long argument", "./s", "x");
	text("s0", "#!/execs.dir/me args\n", 0755);
	for (int i = 1; i < 7; i++) {
		char name[8], s[40];
		sprintf(name, "s%d", i);
		sprintf(s, "#!/execs.dir/s%d\n", i - 1);
		text(name, s, 0755);
		run1(name, name, "x");
	}
	text("s", "#!/execs.dir/self\n", 0755);
	text("/execs.dir/self", "#!/execs.dir/self\n", 0755);
	run1("itself", "./s", "x");
}

static void descriptors(void) {
	CASE("execveat takes directories, open files and links", "execveat");
	int d = open(".", O_RDONLY | O_DIRECTORY), fd;
	copy("prog", 0755, NULL);
	at("in a directory", d, "prog", 0, "exit7");
	at("absent", d, "none", 0, "exit7");
	at("no descriptor", 99, "prog", 0, "exit7");
	at("absolute", 99, self, 0, "exit7");
	at("flags", d, "prog", 1, "exit7");
	fd = open("prog", O_RDONLY | O_CLOEXEC);
	at("an open file", fd, "", AT_EMPTY_PATH, "exit7");
	at("without the flag", fd, "", 0, "exit7");
	fd = open("prog", O_PATH | O_CLOEXEC);
	at("O_PATH", fd, "", AT_EMPTY_PATH, "exit7");
	at("a directory", d, "", AT_EMPTY_PATH, "exit7");
	at("no file", AT_FDCWD, "", AT_EMPTY_PATH, "exit7");
	symlink("prog", "link");
	at("a link", d, "link", 0, "exit7");
	at("not a link", d, "link", AT_SYMLINK_NOFOLLOW, "exit7");
	at("no link", d, "prog", AT_SYMLINK_NOFOLLOW, "exit7");
	int p[2];
	pipe(p);
	at("a pipe", p[0], "", AT_EMPTY_PATH, "exit7");
	text("script", "#!/execs.dir/me exit7\n", 0755);
	fd = open("script", O_RDONLY);
	at("a script", fd, "", AT_EMPTY_PATH, "x");
	fd = open("script", O_RDONLY | O_CLOEXEC);
	at("a script that closes", fd, "", AT_EMPTY_PATH, "x");
}

static void big(void) {
	CASE("arguments have a limit", "execve");
	char *argv[300], *s = malloc(200 << 10);
	memset(s, 'x', 200 << 10);
	s[(128 << 10) - 1] = 0;
	argv[0] = "big";
	argv[1] = s;
	argv[2] = NULL;
	run("the longest string", self, argv);
	s[(128 << 10) - 1] = 'x';
	s[128 << 10] = 0;
	run("one byte more", self, argv);
	s[120 << 10] = 0;
	for (int i = 1; i < 299; i++)
		argv[i] = s;
	argv[299] = NULL;
	run("too many", self, argv);
	for (int n = 1; n <= 16; n *= 2) {
		struct rlimit l = {n << 20, RLIM_INFINITY};
		pid_t pid = child();
		if (pid == 0) {
			setrlimit(RLIMIT_STACK, &l);
			argv[10] = NULL;
			run("a small stack", self, argv);
			fflush(stdout);
			_exit(0);
		}
		reap("limit", pid);
	}
}

static void setid(void) {
	CASE("set-id programs get their owner's ids, unless they may not", "execve prctl");
	copy("suid", 0755, NULL);
	chown("suid", 1234, 2345);
	chmod("suid", 04755);
	run1("set-user-id", "./suid", "ids");
	chmod("suid", 02755);
	run1("set-group-id", "./suid", "ids");
	chmod("suid", 02745);
	run1("set-group-id without its x", "./suid", "ids");
	chmod("suid", 06755);
	pid_t pid = child();
	if (pid == 0) {
		setgid(50);
		setuid(1000);
		run1("of a user", "./suid", "ids");
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		run1("no new privileges", "./suid", "ids");
		fflush(stdout);
		_exit(0);
	}
	reap("user", pid);
	chown("suid", 0, 0);
	chmod("suid", 04755);
	pid = child();
	if (pid == 0) {
		setuid(1000);
		run1("root's", "./suid", "ids");
		fflush(stdout);
		_exit(0);
	}
	reap("user", pid);
	pid = child();
	if (pid == 0) {
		seteuid(1000);
		run1("other effective id", self, "ids");
		fflush(stdout);
		_exit(0);
	}
	reap("user", pid);
}

static void ids(void) {
	uid_t r, e, s;
	getresuid(&r, &e, &s);
	printf("uid %d %d %d", r, e, s);
	getresgid(&r, &e, &s);
	printf(" gid %d %d %d secure %lu aux %lu %lu %lu %lu dumpable %d\n", r, e, s, getauxval(AT_SECURE), getauxval(AT_UID),
		getauxval(AT_EUID), getauxval(AT_GID), getauxval(AT_EGID), prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

static void aux(void) {
	CASE("the auxiliary vector tells the program about itself", "execve");
	Elf64_Phdr *p = (void *)getauxval(AT_PHDR);
	R(p != NULL && (p->p_type == PT_LOAD || p->p_type == PT_PHDR));
	R(getauxval(AT_PHENT));
	R(getauxval(AT_PAGESZ));
	R(getauxval(AT_CLKTCK));
	R(getauxval(AT_ENTRY) != 0);
	R(getauxval(AT_BASE));
	R(getauxval(AT_FLAGS));
	R(getauxval(AT_SECURE));
	R((getauxval(AT_HWCAP) >> 25 & 3) == 3); // SSE, SSE2
	R(strcmp((char *)getauxval(AT_PLATFORM), "x86_64"));
	R(strcmp((char *)getauxval(AT_EXECFN), self));
	R(getauxval(AT_RANDOM) != 0);
	R(getauxval(AT_MINSIGSTKSZ) >= 1024);
	unsigned long here;
	R(((unsigned long)&here & 7));
	extern char end;
	R((char *)sbrk(0) >= &end);
	char link[PATH_MAX] = "", want[PATH_MAX];
	readlink("/proc/self/exe", link, sizeof link);
	R(strcmp(link, realpath(self, want)));
}

static void deep(int n) {
	volatile char page[4096];
	page[0] = n;
	if (n > 0)
		deep(n - 1);
}

static void stacks(void) {
	CASE("the stack is as large as its limit says", "setrlimit");
	for (int n = 1; n <= 64; n *= 8) {
		struct rlimit l = {n << 20, RLIM_INFINITY};
		pid_t pid = child();
		if (pid == 0) {
			setrlimit(RLIMIT_STACK, &l);
			char a[16];
			sprintf(a, "%d", (n << 20) / 4096 * 3 / 4);
			execl(self, "x", "deep", a, NULL);
		}
		reap("within", pid);
		pid = child();
		if (pid == 0) {
			setrlimit(RLIMIT_STACK, &l);
			char a[16];
			sprintf(a, "%d", (n << 20) / 4096 * 5 / 4);
			execl(self, "x", "deep", a, NULL);
		}
		reap("beyond", pid);
	}
}

static int gone(const char *path, const struct stat *st, int type, struct FTW *f) { return remove(path); }

int main(int argc, char **argv) {
	if (argc > 2 && strcmp(argv[1], "deep") == 0) {
		deep(atoi(argv[2]));
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "exit7") == 0)
		return 7;
	if (argc > 1 && strcmp(argv[1], "ids") == 0) {
		ids();
		return 0;
	}
	if (argc > 1 && strcmp(argv[0], "big") == 0)
		return 9;
	if (argc > 1 || argv[0][0] != '/') {
		for (int i = 0; i < argc; i++)
			printf("<%s>", strlen(argv[i]) > 100 ? argv[i] + strlen(argv[i]) - 1 : argv[i]);
		char name[16];
		prctl(PR_GET_NAME, name);
		printf(" %s %s\n", name, (char *)getauxval(AT_EXECFN));
		return 5;
	}
	realpath(argv[0], self);
	mkdir(dir, 0755);
	chdir(dir);
	errors();
	damaged();
	scripts();
	descriptors();
	big();
	setid();
	stacks();
	aux();
	chdir("/");
	nftw(dir, gone, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
