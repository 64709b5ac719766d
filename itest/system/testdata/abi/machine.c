#include "abi.h"
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/auxv.h>
#include <elf.h>
#include <sched.h>

// line is the first line of a file.
static char *line(const char *path) {
	static char b[2][300];
	static int which;
	char *l = b[which ^= 1];
	FILE *f = fopen(path, "r");
	l[0] = 0;
	if (f) {
		fgets(l, sizeof b[0], f);
		fclose(f);
	}
	return l;
}

int main(void) {
	CASE("/proc tells limits and random identities", "open read");
	printf("%s", line("/proc/self/limits"));
	R(strlen(line("/proc/sys/kernel/random/boot_id")));
	R(strcmp(line("/proc/sys/kernel/random/boot_id"), line("/proc/sys/kernel/random/boot_id")));
	R(strcmp(line("/proc/sys/kernel/random/uuid"), line("/proc/sys/kernel/random/uuid")) != 0);
	char statm[40];
	snprintf(statm, sizeof statm, "/proc/%d/statm", getppid());
	R(atoi(line(statm)) > 0);
	R(access("/proc/sys/kernel/random/../ostype", R_OK));
	CASE("uname and sysinfo", "uname sysinfo");
	struct utsname u;
	R(uname(&u));
	printf("%s %s\n", u.sysname, u.machine);
	R(strlen(u.release) > 3);
	S(uname, 8);
	struct sysinfo i;
	R(sysinfo(&i));
	R(i.mem_unit > 0 && i.totalram > 0 && i.procs > 0 && i.uptime >= 0);
	CASE("random bytes differ", "getrandom");
	unsigned char a[300], b[300];
	R(getrandom(a, sizeof a, 0));
	R(getrandom(b, sizeof b, GRND_NONBLOCK));
	R(memcmp(a, b, sizeof a) != 0);
	R(getrandom(a, 4, 0x777));
	R(getrandom((void *)8, 4, 0));
	R(getrandom(a, 0, 0));
	int fd = open("/dev/urandom", O_RDONLY);
	R(read(fd, a, 100));
	close(fd);
	CASE("the auxiliary vector", "execve");
	R(sysconf(_SC_PAGESIZE));
	R(sysconf(_SC_CLK_TCK));
	R(sysconf(_SC_NPROCESSORS_ONLN) > 0);
	R(getauxval(AT_PAGESZ));
	R(getauxval(AT_PHNUM) > 0);
	R(getauxval(AT_RANDOM) != 0);
	R(getauxval(AT_SECURE));
	R(getauxval(AT_CLKTCK));
	R(getauxval(AT_EXECFN) != 0);
	R(getauxval(AT_UID) == getuid());
	R(((long)&i & 3));
	CASE("the thread of process and processor", "getcpu set_tid_address gettid getpid");
	unsigned cpu = 99, node = 99;
	R(getcpu(&cpu, &node));
	R(cpu < 64);
	int same = 0;
	for (int k = 0; k < 1000; k++) // the thread may be moved in between, but not each time
		same += syscall(SYS_getcpu, &cpu, &node, NULL) == 0 && cpu == sched_getcpu();
	R(same > 500);
	R(node < 64);
	S(getcpu, NULL, NULL, NULL);
	S(getcpu, 8, NULL, NULL);
	S(getcpu, NULL, 8, NULL);
	R(syscall(SYS_set_tid_address, &fd) == getpid());
	R(syscall(SYS_gettid) == getpid());
	CASE("unknown calls are ENOSYS", "getpid");
	R(syscall(600, 1, 2, 3));
	R(syscall(100000));
	R(syscall(-1));
	CASE("/proc/self is the caller", "open readlink access");
	char buf[200];
	fd = open("/proc/self/status", O_RDONLY);
	R(read(fd, buf, 5));
	printf("%.5s\n", buf);
	close(fd);
	fd = open("/proc/self/comm", O_RDONLY);
	ssize_t n = read(fd, buf, sizeof buf);
	printf("%.*s", (int)n, buf);
	close(fd);
	R(readlink("/proc/self/exe", buf, sizeof buf) > 0);
	R(readlink("/proc/self", buf, sizeof buf) > 0);
	R(atoi(buf) == getpid());
	R(open("/proc/99999", O_RDONLY));
	R(open("/proc/self/nope", O_RDONLY));
	R(access("/proc/self/maps", R_OK));
	FILE *f = fopen("/proc/self/maps", "r");
	char row[300];
	int stack = 0, exec = 0;
	while (fgets(row, sizeof row, f)) {
		stack += strstr(row, "[stack]") != NULL;
		exec += strstr(row, "r-xp") != NULL;
	}
	fclose(f);
	R(stack);
	R(exec > 0);
	f = fopen("/proc/self/stat", "r");
	int pid, ppid;
	char comm[64], state;
	R(fscanf(f, "%d %s %c %d", &pid, comm, &state, &ppid));
	R(pid == getpid() && ppid == getppid());
	printf("%s %c\n", comm, state);
	fclose(f);
	f = fopen("/proc/uptime", "r");
	double up = 0;
	R(fscanf(f, "%lf", &up));
	R(up > 0);
	fclose(f);
	CASE("/proc describes the machine and cannot be changed", "access unlink");
	R(access("/proc/meminfo", R_OK) + access("/proc/cpuinfo", R_OK) + access("/proc/stat", R_OK) + access("/proc/loadavg", R_OK));
	R(open("/proc/meminfo", O_WRONLY) < 0 || 1);
	R(unlink("/proc/version"));
	return 0;
}
