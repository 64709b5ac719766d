// ETXTBSY of open(2), truncate(2) and execve(2): a regular file is written or executed, not both.
#include "abi.h"
#include <elf.h>
#include <pthread.h>
#include <sys/mman.h>

static char self[PATH_MAX];

// opens says whether a file can be opened like that.
static void opens(const char *what, const char *path, int flags) {
	int fd = open(path, flags, 0755);
	printf("%s: %s\n", what, fd < 0 ? strerrorname_np(errno) : "open");
	if (fd >= 0)
		close(fd);
}

static void copy(const char *to) {
	int in = open(self, O_RDONLY), out = open(to, O_CREAT | O_WRONLY | O_TRUNC, 0755);
	char b[65536];
	for (ssize_t n; (n = read(in, b, sizeof b)) > 0;)
		write(out, b, n);
	close(in);
	close(out);
}

static void text(const char *path, const char *s) {
	put(path, s);
	chmod(path, 0755);
}

// A program that runs: it has said so through `up`, and goes on when `down` is written to or closed.
static int up[2], down[2];

static pid_t start(const char *path, int fd, const char *how) {
	pipe2(up, O_CLOEXEC);
	pipe2(down, O_CLOEXEC);
	pid_t pid = child();
	if (pid == 0) {
		dup2(down[0], 100);
		dup2(up[1], 101);
		char *argv[] = {(char *)(path ? path : "fd"), (char *)how, NULL}, *envp[] = {NULL};
		if (path)
			execve(path, argv, envp);
		else
			syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
		printf("exec: %s\n", strerrorname_np(errno));
		fflush(stdout);
		_exit(100);
	}
	close(up[1]);
	close(down[0]);
	char c;
	read(up[0], &c, 1);
	close(up[0]);
	return pid;
}

static void end(const char *what, pid_t pid) {
	close(down[1]);
	reap(what, pid);
}

// run execs in a child that only says how it went. Another program may be running.
static void run(const char *what, const char *path, int fd) {
	int other = down[1];
	pid_t pid = start(path, fd, "once");
	end(what, pid);
	down[1] = other;
}

static void hold(void) {
	char c;
	write(101, "", 1);
	close(101);
	read(100, &c, 1);
}

static void *thread(void *p) {
	hold();
	_exit(4);
}

static void *execs(void *p) {
	execl("./other", "other", "hold", NULL);
	_exit(99);
}

static int program(const char *how) {
	pthread_t t;
	char c;
	if (strcmp(how, "once") == 0)
		return 3;
	if (strcmp(how, "forks") == 0 && fork() != 0)
		return 5;
	if (strcmp(how, "threads") == 0) {
		pthread_create(&t, NULL, thread, NULL);
		pthread_exit(NULL);
	}
	if (strcmp(how, "execs") == 0)
		execl("./other", "other", "hold", NULL);
	if (strcmp(how, "threadexecs") == 0) {
		pthread_create(&t, NULL, execs, NULL);
		pause();
	}
	if (strcmp(how, "vforks") == 0 && vfork() == 0) {
		execl("./other", "other", "hold", NULL);
		_exit(99);
	}
	hold();
	return 4;
}

static void executed(void) {
	CASE("what is executed cannot be written", "open creat truncate execve");
	copy("prog");
	pid_t pid = start("./prog", 0, "hold");
	opens("read", "prog", O_RDONLY);
	opens("write", "prog", O_WRONLY);
	opens("read and write", "prog", O_RDWR);
	opens("truncate", "prog", O_RDONLY | O_TRUNC);
	opens("create", "prog", O_WRONLY | O_CREAT | O_TRUNC);
	opens("exclusive", "prog", O_WRONLY | O_CREAT | O_EXCL);
	opens("directory", "prog", O_WRONLY | O_DIRECTORY);
	opens("path", "prog", O_PATH | O_RDWR);
	R(creat("prog", 0755));
	R(truncate("prog", 0));
	R(truncate("prog", -1));
	R(chmod("prog", 0700));
	R(chmod("prog", 0755));
	R(link("prog", "second"));
	opens("another name", "second", O_WRONLY);
	R(rename("prog", "third"));
	opens("a new name", "third", O_WRONLY);
	rename("third", "prog");
	pid_t user = child();
	if (user == 0) {
		setuid(1000);
		opens("of a user", "prog", O_WRONLY);
		R(truncate("prog", 0));
		fflush(stdout);
		_exit(0);
	}
	reap("user", user);
	char exe[64];
	sprintf(exe, "/proc/%d/exe", pid);
	opens("its link", exe, O_WRONLY);
	run("once more", "./prog", 0);
	opens("write", "prog", O_WRONLY);
	end("program", pid);
	opens("once it has ended", "prog", O_RDWR);
	R(unlink("second"));
}

static void killed(void) {
	CASE("a program that is killed gives its file free before it is waited for", "kill wait4 open");
	pid_t pid = start("./prog", 0, "hold");
	siginfo_t info;
	kill(pid, SIGKILL);
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	opens("of a zombie", "prog", O_WRONLY);
	end("killed", pid);
}

static void others(void) {
	CASE("fork, threads, vfork and exec keep count", "fork vfork clone execve exit");
	copy("other");
	pid_t pid = start("./prog", 0, "forks");
	siginfo_t info;
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	opens("of a child", "prog", O_WRONLY);
	end("parent", pid);
	int fd;
	while ((fd = open("prog", O_WRONLY)) < 0) // until the child, which is nobody's here, has ended
		nap(10);
	close(fd);
	pid = start("./prog", 0, "threads");
	opens("of a thread", "prog", O_WRONLY);
	end("thread", pid);
	opens("then", "prog", O_WRONLY);
	pid = start("./prog", 0, "execs");
	opens("before exec", "prog", O_WRONLY);
	opens("after exec", "other", O_WRONLY);
	end("exec", pid);
	opens("then", "other", O_WRONLY);
	pid = start("./prog", 0, "threadexecs");
	opens("before a thread's exec", "prog", O_WRONLY);
	opens("after a thread's exec", "other", O_WRONLY);
	end("thread's exec", pid);
	pid = start("./prog", 0, "vforks");
	opens("a vfork's parent", "prog", O_WRONLY);
	opens("a vfork's child", "other", O_WRONLY);
	end("vfork", pid);
}

static void written(void) {
	CASE("what is written cannot be executed", "execve execveat");
	copy("w");
	int fd = open("w", O_WRONLY | O_CLOEXEC);
	run("written", "./w", 0);
	R(access("w", X_OK));
	chmod("w", 0644);
	run("no right", "./w", 0);
	chmod("w", 0755);
	int fd2 = dup(fd);
	close(fd);
	run("a duplicate", "./w", 0);
	close(fd2);
	run("closed", "./w", 0);
	fd = open("w", O_RDWR | O_CLOEXEC);
	run("by its descriptor", NULL, fd);
	close(fd);
	fd = open("w", O_RDONLY | O_CLOEXEC);
	run("read only", NULL, fd);
	close(fd);
	fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0755);
	run("without a name", NULL, fd);
	close(fd);
	fd = open("w", O_WRONLY | O_APPEND);
	pid_t pid = child();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	close(fd);
	run("of another process", "./w", 0);
	kill(pid, SIGKILL);
	reap("other", pid);
	run("then", "./w", 0);
}

static void scripts(void) {
	CASE("of a script the interpreter is what is executed", "execve open");
	char dir[PATH_MAX], line[PATH_MAX + 32];
	getcwd(dir, sizeof dir);
	sprintf(line, "%s/prog", dir);
	unlink("/tmp/textbusy.link");
	symlink(line, "/tmp/textbusy.link");
	text("script", "#!/tmp/textbusy.link hold\n");
	pid_t pid = start("./script", 0, "x");
	opens("the script", "script", O_WRONLY);
	opens("its interpreter", "prog", O_WRONLY);
	end("script", pid);
	int fd = open("script", O_WRONLY | O_CLOEXEC);
	run("a written script", "./script", 0);
	close(fd);
	fd = open("prog", O_WRONLY | O_CLOEXEC);
	run("a written interpreter", "./script", 0);
	close(fd);
	text("script", "#!/tmp/textbusy.link once\n");
	run("neither", "./script", 0);
	unlink("/tmp/textbusy.link");
}

// interpreted makes a copy that names an ELF interpreter.
static void interpreted(void) {
	copy("dyn");
	int fd = open("dyn", O_RDWR);
	struct stat st;
	fstat(fd, &st);
	unsigned char *b = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	Elf64_Ehdr *e = (void *)b;
	Elf64_Phdr *p = (void *)(b + e->e_phoff);
	for (int i = 0; i < e->e_phnum; i++)
		if (p[i].p_type == PT_GNU_STACK) {
			p[i].p_type = PT_INTERP;
			p[i].p_offset = sizeof *e + sizeof *p * e->e_phnum;
			p[i].p_filesz = sprintf((char *)b + p[i].p_offset, "/tmp/textbusy.ld") + 1;
		}
	munmap(b, st.st_size);
	close(fd);
}

static void interpreters(void) {
	CASE("an ELF interpreter is looked at too", "execve");
	interpreted();
	text("/tmp/textbusy.ld", "not ELF, and longer than a header of one has to be, since that is looked at first");
	run("no ELF", "./dyn", 0);
	int fd = open("/tmp/textbusy.ld", O_WRONLY | O_CLOEXEC);
	run("written", "./dyn", 0);
	close(fd);
	opens("then", "/tmp/textbusy.ld", O_WRONLY);
	opens("then", "dyn", O_WRONLY);
	unlink("/tmp/textbusy.ld");
}

static void memfds(void) {
	CASE("memfd_create's descriptor does not count, another one does", "memfd_create execveat open");
	int in = open("prog", O_RDONLY), fd = syscall(SYS_memfd_create, "m", 0);
	char b[65536], name[64];
	for (ssize_t n; (n = read(in, b, sizeof b)) > 0;)
		write(fd, b, n);
	close(in);
	pid_t pid = start(NULL, fd, "hold");
	R(pwrite(fd, "\x7f", 1, 0));
	sprintf(name, "/proc/self/fd/%d", fd);
	opens("again", name, O_RDWR);
	opens("to read", name, O_RDONLY);
	end("memfd", pid);
	int again = open(name, O_RDWR | O_CLOEXEC);
	run("written", NULL, fd);
	close(again);
	run("then", NULL, fd);
	close(fd);
}

int main(int argc, char **argv) {
	if (argc > 1)
		return program(argv[1]);
	realpath(argv[0], self);
	signal(SIGPIPE, SIG_IGN); // of two that say that they run, one is heard
	opens("oneself", self, O_WRONLY);
	executed();
	killed();
	others();
	written();
	scripts();
	interpreters();
	memfds();
	return 0;
}
