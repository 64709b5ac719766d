#include "abi.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

static long magic(const char *p) {
	struct statfs s;
	return statfs(p, &s) < 0 ? -1 : s.f_type;
}

// mounted is how many lines of the process's mountinfo have the word.
static int mounted(const char *word) {
	FILE *f = fopen("/proc/self/mountinfo", "r");
	char line[1000];
	int n = 0;
	while (f && fgets(line, sizeof line, f))
		n += strstr(line, word) != NULL;
	if (f)
		fclose(f);
	return n;
}

int main(void) {
	// Where there are mount namespaces, what follows must not reach the machine.
	struct utsname u;
	uname(&u);
	if (unshare(CLONE_NEWNS) < 0 && !strstr(u.release, "aramid"))
		return 1;
	CASE("a tmpfs hides what is below it", "mount statfs");
	R(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	mkdir("m", 0755);
	mkdir("b", 0755);
	put("m/under", "x");
	R(mount("some", "m", "tmpfs", MS_NOSUID | MS_NODEV, "mode=751,size=1m"));
	R(access("m/under", F_OK));
	struct stat st, up;
	stat("m", &st);
	stat(".", &up);
	R(st.st_mode & 07777);
	R(st.st_dev != up.st_dev);
	R(magic("m") == 0x1021994);
	R(mounted("/m rw,nosuid,nodev"));
	put("m/inside", "in");
	mkdir("m/dir", 0755);
	put("m/dir/deep", "deep");
	R(rename("m/inside", "outside"));
	R(link("m/inside", "outside"));
	R(rmdir("m"));
	R(rename("m", "other"));
	CASE("a bind mount, and read-only by itself", "mount statfs");
	R(mount("m/dir", "b", NULL, MS_BIND, NULL));
	R(access("b/deep", F_OK));
	put("b/new", "n");
	R(access("m/dir/new", F_OK));
	R(mount(NULL, "b", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL));
	R(open("b/x", O_CREAT | O_RDWR, 0600));
	R(unlink("b/deep"));
	R(mkdir("b/d", 0755));
	R(chmod("b/deep", 0600));
	R(open("b/deep", O_RDWR));
	R(open("b/deep", O_RDONLY) >= 0);
	R(access("b/deep", W_OK));
	R(open("m/dir/x", O_CREAT | O_RDWR, 0600) >= 0); // the other mount is not read-only
	struct statvfs v;
	R(statvfs("b", &v));
	R(v.f_flag & ST_RDONLY);
	CASE("busy mounts, lazy unmounting", "umount2");
	R(umount("b"));
	int fd = open("m/dir", O_RDONLY);
	R(umount("m"));
	R(umount2("m", MNT_DETACH));
	R(access("m/under", F_OK));
	R(faccessat(fd, "deep", F_OK, 0)); // still there for who has it
	close(fd);
	R(umount("m"));
	CASE("errors of mount", "mount umount2");
	R(umount("nope"));
	R(mount("x", "nope", "tmpfs", 0, NULL));
	R(mount("x", "outside", "tmpfs", 0, NULL));
	R(mount("x", "m", "no-such-fs", 0, NULL));
	R(mount("nope", "m", NULL, MS_BIND, NULL));
	R(mount("x", "m", "tmpfs", MS_RDONLY, NULL));
	R(open("m/f", O_CREAT | O_RDWR, 0600));
	R(mount(NULL, "m", NULL, MS_REMOUNT, NULL));
	R(open("m/f", O_CREAT | O_RDWR, 0600) >= 0);
	R(chdir("m"));
	R(umount("../m"));
	R(chdir(".."));
	R(umount("m") == 0 || umount2("m", MNT_DETACH) == 0);
	CASE("a file is mounted over a file", "mount umount2");
	// A file over a file.
	put("file", "below");
	put("over", "above-");
	R(mount("over", "file", NULL, MS_BIND, NULL));
	stat("file", &st);
	R(st.st_size);
	R(unlink("file"));
	R(umount("file"));
	stat("file", &st);
	R(st.st_size);
	R(mount("proc", "m", "proc", 0, NULL));
	R(magic("m") == 0x9fa0);
	R(access("m/self/stat", F_OK));
	R(umount("m"));
	pid_t pid = child();
	if (pid == 0) {
		setuid(1000);
		R(mount("x", "m", "tmpfs", 0, NULL));
		R(umount("m"));
		R(chroot("m"));
		fflush(stdout);
		_exit(0);
	}
	reap("user", pid);
	CASE("chroot bounds every path", "chroot");
	pid = child();
	if (pid == 0) {
		mkdir("root", 0755);
		put("root/here", "x");
		symlink("/here", "root/link");
		R(chroot("root"));
		R(chdir("/"));
		R(access("/here", F_OK));
		R(access("/link", F_OK));
		R(access("../../here", F_OK));
		R(access("/proc", F_OK));
		char b[64];
		R(getcwd(b, sizeof b) != NULL);
		printf("%s\n", b);
		fflush(stdout);
		_exit(0);
	}
	reap("chroot", pid);
	return 0;
}
