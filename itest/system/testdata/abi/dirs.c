#include "abi.h"
#include <dirent.h>
#include <sys/statfs.h>

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *path) {
	DIR *d = opendir(path);
	if (!d) {
		printf("list %s: %s\n", path, strerrorname_np(errno));
		return;
	}
	char *names[2000];
	int n = 0;
	struct dirent *e;
	while ((e = readdir(d)) && n < 2000)
		names[n++] = strdup(e->d_name);
	closedir(d);
	qsort(names, n, sizeof *names, compare);
	unsigned sum = 0;
	for (int i = 0; i < n; i++) {
		if (n < 10)
			printf(" %s", names[i]);
		for (char *p = names[i]; *p; p++)
			sum = sum * 31 + *p;
	}
	printf(" (%d, %x)\n", n, sum);
}

int main(void) {
	char buf[PATH_MAX], name[64];
	struct stat st;
	CASE("mkdir and rmdir: modes, links, dots and slashes", "mkdir rmdir");
	R(mkdir("d", 0755));
	R(mkdir("d", 0755));
	R(mkdir("d/", 0755));
	R(mkdir("nope/d", 0755));
	R(mkdir("d/e/", 0700));
	R(stat("d/e", &st));
	R(st.st_mode);
	R(st.st_nlink);
	R(stat("d", &st));
	R(st.st_nlink);
	R(rmdir("d"));
	put("d/file", "x");
	R(rmdir("d/file"));
	R(unlink("d/e"));
	R(rmdir("d/e/."));
	R(rmdir("d/e/.."));
	R(mkdir("d/.", 0700));
	R(rmdir("."));
	list("d");
	CASE("a large directory is listed whole", "getdents64");
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "d/e/entry-with-a-rather-long-name-%d", i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	list("d/e");
	CASE("a small buffer loses no entry at its end", "getdents64 lseek");
	// A small buffer loses no entry at its end.
	int fd = open("d/e", O_RDONLY | O_DIRECTORY), n = 0;
	for (long got; (got = syscall(SYS_getdents64, fd, buf, 200)) > 0;)
		for (long at = 0; at < got; at += ((struct dirent64 *)(buf + at))->d_reclen)
			n++;
	R(n);
	S(getdents64, fd, buf, 200);
	R(lseek(fd, 0, SEEK_SET));
	S(getdents64, fd, buf, 10);
	R(read(fd, buf, 10));
	R(syscall(SYS_getdents64, fd, buf, 4000) > 0);
	close(fd);
	fd = open("d/file", O_RDONLY);
	S(getdents64, fd, buf, 200);
	R(fchdir(fd));
	close(fd);
	CASE("files are removed while their directory is read", "getdents64 unlink");
	// Removing while reading.
	DIR *d = opendir("d/e");
	struct dirent *e;
	int seen = 0;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			snprintf(name, sizeof name, "d/e/%s", e->d_name);
			unlink(name);
			seen++;
		}
	closedir(d);
	R(seen);
	list("d/e");

	CASE("chdir, fchdir and getcwd, also in a removed directory", "chdir fchdir getcwd");
	R(chdir("d/e"));
	R(getcwd(buf, sizeof buf) != NULL);
	printf("%s\n", strlen(buf) > 4 ? buf + strlen(buf) - 4 : buf);
	S(getcwd, buf, 3);
	R(chdir(".."));
	R(chdir("file"));
	R(chdir("nope"));
	R(chdir(""));
	fd = open("e", O_RDONLY);
	R(fchdir(fd));
	R(rmdir("../e"));
	R(fstat(fd, &st));
	R(st.st_nlink);
	R(getcwd(buf, sizeof buf) == NULL ? errno : 0);
	R(open("new", O_CREAT | O_RDWR, 0600));
	R(mkdir("new", 0700));
	R(open(".", O_RDONLY) >= 0);
	R(chdir(".."));
	close(fd);
	R(chdir(".."));
	CASE("access by what is asked", "access");
	R(access("d/file", R_OK));
	R(access("d/file", X_OK));
	R(access("d", X_OK));
	R(access("d/file", 64));
	R(access("d/nope", F_OK));
	R(access("d/file/x", F_OK));
	CASE("statfs tells the kind of file system", "statfs");
	struct statfs fs;
	R(statfs("/proc", &fs));
	R(fs.f_type);
	R(statfs("/sys", &fs));
	R(fs.f_type);
	R(statfs("nope", &fs));
	R(unlink("d/file"));
	R(rmdir("d/"));
	CASE("a bad directory descriptor matters to relative paths only", "mkdirat openat");
	R(mkdirat(77, "x", 0700));
	R(mkdirat(77, "/", 0700));
	R(openat(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY) >= 0);
	umask(027);
	mkdir("u", 0777);
	stat("u", &st);
	R(st.st_mode & 07777);
	rmdir("u");
	return 0;
}
