#include "abi.h"
#include <dirent.h>
#include <sys/file.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/statfs.h>

// text reads a whole file.
static long text(const char *path, char *b, long max) {
	int fd = open(path, O_RDONLY);
	if (fd < 0) {
		printf("%s: %s\n", path, strerrorname_np(errno));
		b[0] = 0;
		return -1;
	}
	long n = 0, r;
	while (n < max - 1 && (r = read(fd, b + n, max - 1 - n)) > 0)
		n += r;
	b[n] = 0;
	close(fd);
	return n;
}

// line shows the line of a file that begins with a word.
static void line(const char *path, const char *word) {
	static char b[65536];
	text(path, b, sizeof b);
	for (char *p = b; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (!strncmp(p, word, strlen(word))) {
			printf("%.*s\n", (int)strcspn(p, "\n"), p);
			return;
		}
	printf("%s: no %s\n", path, word);
}

// has says whether a file has lines with these words.
static void has(const char *path, const char *words) {
	static char b[65536];
	char list[512], probe[64];
	text(path, b, sizeof b);
	strcpy(list, words);
	for (char *w = strtok(list, " "); w; w = strtok(NULL, " ")) {
		snprintf(probe, sizeof probe, "\n%s", w);
		if (strncmp(b, w, strlen(w)) && !strstr(b, probe))
			printf("%s has no %s\n", path, w);
	}
}

static void writes(const char *path, const char *value) {
	int fd = open(path, O_WRONLY);
	printf("%s < %s: ", path, value);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		printf("%s\n", strerrorname_np(errno));
	else
		printf("ok\n");
	close(fd);
}

static void link1(const char *path) {
	char b[4096];
	long n = readlink(path, b, sizeof b - 1);
	if (n < 0)
		printf("%s: %s\n", path, strerrorname_np(errno));
	else
		printf("%s -> %.*s\n", path, (int)n, b);
}

static void *thread(void *p) {
	char path[64], b[4096];
	int tid = gettid();
	prctl(PR_SET_NAME, "second");
	snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
	text(path, b, sizeof b);
	printf("thread's comm: %s", b);
	line("/proc/thread-self/status", "Name:");
	line("/proc/thread-self/status", "Threads:");
	text("/proc/self/comm", b, sizeof b);
	printf("process's comm: %s", b);
	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", getpid(), tid);
	text(path, b, sizeof b);
	R(atoi(b) == tid);
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	R(n);
	writes("/proc/thread-self/stat", "x");
	return NULL;
}

// locked shows our locks of one kind, with what differs from run to run named.
static void locked(const char *kind) {
	static char b[65536];
	char mine[64], file[64];
	struct stat st;
	stat("locked", &st);
	sprintf(mine, " %d ", getpid());
	sprintf(file, ":%lu ", (unsigned long)st.st_ino);
	text("/proc/locks", b, sizeof b);
	for (char *p = strtok(b, "\n"); p; p = strtok(NULL, "\n")) {
		char *at = strstr(p, file);
		if (!at || !strstr(p, kind))
			continue;
		char *pid = strstr(p, mine) ? strstr(p, mine) : strstr(p, " -1 ");
		p = strchr(p, ':');
		printf("%.*s, %s: %s\n", pid ? (int)(pid - p) : 0, p, pid && pid[1] == '-' ? "nobody's" : "ours", at + strlen(file));
	}
}

static void locks(void) {
	CASE("locks are listed", "fcntl flock");
	int fd = open("locked", O_CREAT | O_RDWR, 0600), other = open("locked", O_RDWR);
	struct flock part = {F_WRLCK, SEEK_SET, 3, 5}, open = {F_RDLCK, SEEK_SET, 100, 0};
	R(fcntl(fd, F_SETLK, &part));
	R(fcntl(other, F_OFD_SETLK, &open));
	R(flock(fd, LOCK_SH));
	locked("POSIX");
	locked("OFDLCK");
	locked("FLOCK");
	close(fd);
	close(other);
	locked("LCK");
}

static void tasks(void) {
	CASE("a thread's directory has its descriptors and namespaces", "openat readlinkat");
	char path[64], here[64] = "", there[64] = "";
	for (const char **p = (const char *[]){"fd/1", "fdinfo/1", "ns/mnt", "ns/uts", "fd/99", "ns/none", "task", NULL}; *p; p++) {
		sprintf(path, "/proc/self/task/%ld/%s", syscall(SYS_gettid), *p);
		show(*p, access(path, F_OK));
	}
	sprintf(path, "/proc/self/task/%ld/ns/uts", syscall(SYS_gettid));
	R(readlink(path, there, sizeof there - 1) == readlink("/proc/self/ns/uts", here, sizeof here - 1));
	R(strcmp(here, there));
}

int main(int argc, char **argv) {
	static char b[65536], c[65536];
	char path[128];

	CASE("a process's own files", "open read");
	prctl(PR_SET_NAME, "first");
	line("/proc/self/status", "Name:");
	umask(027);
	line("/proc/self/status", "Umask:");
	line("/proc/self/status", "State:");
	line("/proc/self/status", "TracerPid:");
	has("/proc/self/status", "Name: Umask: State: Tgid: Ngid: Pid: PPid: TracerPid: Uid: Gid: FDSize: Groups: NStgid: NSpid: NSpgid: NSsid: VmPeak: VmSize: "
		"VmLck: VmPin: VmHWM: VmRSS: RssAnon: RssFile: RssShmem: VmData: VmStk: VmExe: VmLib: VmPTE: VmSwap: Threads: SigQ: SigPnd: ShdPnd: SigBlk: "
		"SigIgn: SigCgt: CapInh: CapPrm: CapEff: CapBnd: CapAmb: NoNewPrivs: Cpus_allowed: Cpus_allowed_list: Mems_allowed_list:");
	line("/proc/self/status", "Threads:");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	line("/proc/self/status", "NoNewPrivs:");
	text("/proc/self/stat", b, sizeof b);
	int fields = 0;
	for (char *p = strrchr(b, ')'); p && *p; p++)
		fields += *p == ' ';
	R(fields + 2);
	R(atoi(b) == getpid());
	R(strstr(b, "(first) R ") != NULL);
	int pid, ppid, pgrp, sid;
	sscanf(strrchr(b, ')') + 4, "%d %d %d", &ppid, &pgrp, &sid);
	R(ppid == getppid() && pgrp == getpgrp() && sid == getsid(0));
	text("/proc/self/statm", b, sizeof b);
	fields = 0;
	for (char *p = b; *p; p++)
		fields += *p == ' ';
	R(fields + 1);
	text("/proc/self/cmdline", b, sizeof b);
	R(strcmp(b, argv[0]));
	link1("/proc/self/cwd/.");
	snprintf(path, sizeof path, "/proc/%d", getpid());
	R(chdir("/proc/self") || getcwd(b, sizeof b) == NULL || strcmp(b, path));
	chdir("/");
	link1("/proc/self/cwd");
	link1("/proc/self/root");
	R(access("/proc/self/exe", X_OK));
	text("/proc/self/personality", b, sizeof b);
	printf("%s", b);
	text("/proc/self/setgroups", b, sizeof b);
	printf("%s", b);
	writes("/proc/self/setgroups", "allow");
	has("/proc/self/limits", "Limit Max");

	CASE("what may be written", "open write");
	writes("/proc/self/comm", "a name that is too long\n");
	line("/proc/self/comm", "");
	writes("/proc/self/oom_score_adj", "500\n");
	line("/proc/self/oom_score_adj", "");
	pid = child();
	if (pid == 0) {
		line("/proc/self/oom_score_adj", ""); // inherited
		writes("/proc/self/oom_score_adj", "1001");
		writes("/proc/self/oom_score_adj", "no number");
		setuid(65534);
		prctl(PR_SET_DUMPABLE, 1);
		writes("/proc/1/oom_score_adj", "900");
		writes("/proc/1/comm", "x");
		link1("/proc/1/cwd");
		link1("/proc/1/exe");
		R(open("/proc/1/environ", O_RDONLY));
		R(open("/proc/sys/kernel/core_pattern", O_WRONLY));
		_exit(0);
	}
	reap("user", pid);
	writes("/proc/self/oom_score_adj", "0");
	writes("/proc/self/stat", "x");
	R(unlink("/proc/self/comm"));
	R(open("/proc/self/new", O_CREAT | O_RDWR, 0600));
	R(open("/proc/new", O_CREAT | O_RDWR, 0600));
	R(truncate("/proc/self/comm", 0));

	CASE("threads have directories", "open getdents64");
	pthread_t t;
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);

	CASE("descriptors and namespaces as links", "readlink open fstat fstatfs");
	struct stat st;
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	link1(path);
	R(lstat(path, &st));
	printf("%o\n", st.st_mode);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	line(path, "pos:");
	line(path, "flags:");
	has(path, "mnt_id: ino:");
	static const char *spaces[] = {"cgroup", "mnt", "uts"};
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "/proc/self/ns/%s", spaces[i]);
		long n = readlink(path, b, sizeof b);
		b[n > 0 ? n : 0] = 0;
		int ns = open(path, O_RDONLY);
		struct statfs f;
		fstat(ns, &st);
		fstatfs(ns, &f);
		snprintf(c, sizeof c, "%.*s:[%lu]", (int)strcspn(b, ":"), b, (unsigned long)st.st_ino);
		printf("%s %.*s %d %o %lx %d\n", path, (int)strcspn(b, ":"), b, strcmp(b, c), st.st_mode, (long)f.f_type, (int)read(ns, c, 1));
		close(ns);
	}
	R(open("/proc/self/ns/none", O_RDONLY));

	CASE("the machine's files", "open read access");
	has("/proc/stat", "cpu cpu0 intr ctxt btime processes procs_running procs_blocked softirq");
	has("/proc/meminfo", "MemTotal: MemFree: MemAvailable: Buffers: Cached: SwapCached: Active: Inactive: SwapTotal: SwapFree: Dirty: AnonPages: Mapped: Shmem: Committed_AS:");
	has("/proc/cpuinfo", "processor vendor_id model flags bogomips");
	has("/proc/devices", "Character Block");
	line("/proc/swaps", "Filename");
	line("/proc/partitions", "major");
	has("/proc/tty/drivers", "/dev/tty /dev/console /dev/ptmx");
	double up, idle;
	text("/proc/uptime", b, sizeof b);
	R(sscanf(b, "%lf %lf", &up, &idle));
	text("/proc/loadavg", b, sizeof b);
	R(sscanf(b, "%lf %lf %*f %d/%d %d", &up, &idle, &pid, &ppid, &pgrp));
	line("/proc/sys/kernel/ostype", "");
	line("/proc/sys/kernel/cap_last_cap", "");
	line("/proc/sys/kernel/overflowuid", "");
	line("/proc/sys/fs/nr_open", "");
	R(access("/proc/sys/kernel/random/boot_id", R_OK));
	R(open("/proc/sys/kernel/ostype", O_WRONLY));
	R(access("/proc/sys", W_OK));
	R(open("/proc/none", O_RDONLY));
	R(open("/proc/999999999", O_RDONLY));
	R(mkdir("/proc/sys/none", 0700));
	locks();
	tasks();
	return 0;
}
