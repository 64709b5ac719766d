#include "abi.h"

int main(void) {
	char buf[PATH_MAX];
	struct stat st, s2;
	put("a", "one");
	R(symlink("a", "l"));
	R(symlink("a", "l"));
	R(symlink("", "m"));
	R(readlink("l", buf, sizeof buf));
	R(readlink("l", buf, 0));
	R(readlink("a", buf, sizeof buf));
	R(readlink("nope", buf, sizeof buf));
	memset(buf, 0, 8);
	symlink("target-long", "t");
	R(readlink("t", buf, 3));
	printf("%s\n", buf);
	R(lstat("t", &st));
	R(st.st_size);
	R(st.st_mode);
	R(stat("t", &st));
	R(open("l", O_RDONLY | O_NOFOLLOW));
	int fd = open("l", O_PATH | O_NOFOLLOW);
	R(readlinkat(fd, "", buf, sizeof buf));
	R(fstat(fd, &st));
	R(S_ISLNK(st.st_mode));
	close(fd);
	R(symlink("loop2", "loop1"));
	R(symlink("loop1", "loop2"));
	R(open("loop1", O_RDONLY));
	R(lstat("loop1", &st));
	R(open("t", O_CREAT | O_RDWR, 0600) >= 0); // creates the target
	R(access("target-long", F_OK));
	R(open("t", O_CREAT | O_EXCL | O_RDWR, 0600));
	R(link("a", "b"));
	R(link("a", "b"));
	stat("a", &st);
	stat("b", &s2);
	R(st.st_nlink);
	R(st.st_ino == s2.st_ino && st.st_dev == s2.st_dev);
	R(link("nope", "c"));
	R(mkdir("d", 0755));
	R(link("d", "d2"));
	R(link("l", "l2")); // the link itself
	lstat("l2", &st);
	R(S_ISLNK(st.st_mode));
	R(linkat(AT_FDCWD, "l", AT_FDCWD, "l3", AT_SYMLINK_FOLLOW));
	lstat("l3", &st);
	R(S_ISREG(st.st_mode));
	R(st.st_nlink);
	R(symlink("d", "dl"));
	put("d/x", "x");
	R(access("dl/x", F_OK));
	R(rmdir("dl"));
	R(unlink("dl/"));
	R(lstat("dl/", &st));
	R(S_ISDIR(st.st_mode));
	R(unlink("d/x"));

	// Renames.
	put("r1", "1");
	put("r2", "22");
	R(rename("r1", "r2"));
	stat("r2", &st);
	R(st.st_size);
	R(access("r1", F_OK));
	R(rename("nope", "r1"));
	R(rename("r2", "d"));
	R(mkdir("e", 0755));
	R(rename("e", "r2"));
	R(rename("d", "e"));
	put("e/full", "");
	R(mkdir("d", 0755));
	R(rename("d", "e"));
	R(rename("e", "e/sub"));
	R(rename("a", "b")); // the same file: nothing happens
	R(access("a", F_OK));
	R(rename("l", "l9"));
	R(readlink("l9", buf, sizeof buf));
	R(renameat2(AT_FDCWD, "r2", AT_FDCWD, "a", RENAME_NOREPLACE));
	R(renameat2(AT_FDCWD, "r2", AT_FDCWD, "d", RENAME_EXCHANGE));
	stat("r2", &st);
	R(S_ISDIR(st.st_mode));
	stat("d", &st);
	R(S_ISREG(st.st_mode));
	R(renameat2(AT_FDCWD, "r2", AT_FDCWD, "d", RENAME_EXCHANGE | RENAME_NOREPLACE));
	R(rename("e/full", "full"));
	R(access("full", F_OK));
	R(rename("full/", "x"));
	R(rename("r2", "new/"));
	R(rename(".", "x"));
	R(rename("full", ".."));
	R(unlink("nope"));
	R(unlink("e"));
	R(unlinkat(AT_FDCWD, "e", AT_REMOVEDIR));
	R(unlinkat(AT_FDCWD, "e", 0x4000));

	// Nodes.
	R(mkfifo("p", 0644));
	lstat("p", &st);
	R(st.st_mode);
	R(mknod("s", S_IFSOCK | 0600, 0));
	lstat("s", &st);
	R(st.st_mode);
	R(open("s", O_RDONLY));
	R(mknod("reg", 0600, 0));
	R(mknod("dir", S_IFDIR | 0600, 0));
	R(open("p", O_WRONLY | O_NONBLOCK));
	fd = open("p", O_RDONLY | O_NONBLOCK);
	R(read(fd, buf, 1));
	int w = open("p", O_WRONLY | O_NONBLOCK);
	R(read(fd, buf, 1));
	R(write(w, "abc", 3));
	R(read(fd, buf, 10));
	close(w);
	R(read(fd, buf, 10));
	R(lseek(fd, 0, SEEK_CUR));
	return 0;
}
