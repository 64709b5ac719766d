#include "abi.h"
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

static char b[1 << 20];

static void contents(const char *path) {
	int fd = open(path, O_RDONLY);
	long n = read(fd, b, sizeof b);
	unsigned long sum = 0;
	for (long i = 0; i < n; i++)
		sum = sum * 31 + (unsigned char)b[i];
	printf("%s: %ld bytes, %lx\n", path, n, sum);
	close(fd);
}

int main(void) {
	CASE("sendfile between files and into pipes", "sendfile");
	for (unsigned i = 0; i < sizeof b; i++)
		b[i] = i * 7 + i / 1000;
	int f = open("f", O_CREAT | O_RDWR, 0600), g = open("g", O_CREAT | O_RDWR, 0600);
	write(f, b, 200000);
	off_t off = 1000;
	R(sendfile(g, f, &off, 50000));
	R(off);
	R(lseek(g, 0, SEEK_CUR));
	R(lseek(f, 0, SEEK_CUR));
	R(sendfile(g, f, NULL, 100));
	lseek(f, 100000, SEEK_SET);
	R(sendfile(g, f, NULL, 1 << 20));
	R(sendfile(g, f, NULL, 1 << 20));
	R(lseek(f, 0, SEEK_CUR));
	contents("g");
	int p[2], q[2];
	pipe(p);
	pipe(q);
	off = 5;
	R(sendfile(p[1], f, &off, 1000));
	R(off);
	R(read(p[0], b, 2000));
	R(sendfile(p[0], f, &off, 10));
	R(sendfile(g, p[0], NULL, 10));
	R(sendfile(g, p[0], &off, 10));
	int d = open(".", O_RDONLY);
	R(sendfile(g, d, NULL, 10));
	R(sendfile(open("g", O_RDONLY), f, &off, 10));
	R(sendfile(g, open("f", O_WRONLY), &off, 10));
	R(sendfile(99, f, NULL, 10));
	R(sendfile(g, 99, NULL, 10));
	off = -1;
	R(sendfile(g, f, &off, 10));
	R(sendfile(g, f, (void *)8, 10));
	off = 1 << 30;
	R(sendfile(g, f, &off, 10));
	R(sendfile(open("g", O_WRONLY | O_APPEND), f, NULL, 10));

	CASE("copy_file_range", "copy_file_range");
	int h = open("h", O_CREAT | O_RDWR, 0600);
	off64_t from = 10, to = 5000;
	R(copy_file_range(f, &from, h, &to, 100000, 0));
	printf("%ld %ld\n", (long)from, (long)to);
	contents("h");
	lseek(f, 0, SEEK_SET);
	R(copy_file_range(f, NULL, h, NULL, 300000, 0));
	R(lseek(f, 0, SEEK_CUR));
	R(lseek(h, 0, SEEK_CUR));
	contents("h");
	R(copy_file_range(f, NULL, h, NULL, 10, 0));
	R(copy_file_range(f, NULL, h, NULL, 0, 0));
	R(copy_file_range(f, &from, h, NULL, 10, 1));
	from = 0, to = 10;
	R(copy_file_range(f, &from, f, &to, 20, 0));
	from = 0, to = 20;
	R(copy_file_range(f, &from, f, &to, 20, 0));
	R(copy_file_range(f, &from, p[1], NULL, 20, 0));
	R(copy_file_range(p[0], NULL, f, NULL, 20, 0));
	R(copy_file_range(d, NULL, f, NULL, 20, 0));
	R(copy_file_range(f, &from, d, NULL, 20, 0));
	R(copy_file_range(f, &from, open("h", O_RDONLY), NULL, 20, 0));
	R(copy_file_range(f, &from, open("h", O_WRONLY | O_APPEND), NULL, 20, 0));
	R(copy_file_range(f, &from, 99, NULL, 20, 0));
	from = -5;
	R(copy_file_range(f, &from, h, NULL, 20, 0));

	CASE("splice between files and pipes", "splice");
	off64_t at = 100;
	R(splice(f, &at, p[1], NULL, 5000, 0));
	R(at);
	at = 7;
	R(splice(p[0], NULL, h, &at, 10000, 0));
	R(at);
	contents("h");
	R(splice(p[0], NULL, h, NULL, 10, SPLICE_F_NONBLOCK));
	write(p[1], "through two pipes", 17);
	R(splice(p[0], NULL, q[1], NULL, 100, 0));
	R(read(q[0], b, 100));
	R(splice(f, NULL, h, NULL, 10, 0));
	R(splice(f, &at, p[1], &at, 10, 0));
	R(splice(p[0], &at, h, NULL, 10, 0));
	R(splice(p[0], NULL, p[1], NULL, 10, 0));
	R(splice(f, &at, p[1], NULL, 10, 64));
	R(splice(f, &at, p[1], NULL, 0, 0));
	R(splice(f, &at, p[0], NULL, 10, 0));
	R(splice(99, NULL, p[1], NULL, 10, 0));
	pid_t pid = child();
	if (pid == 0) {
		nap(30);
		write(p[1], "late", 4);
		_exit(0);
	}
	at = 0;
	R(splice(p[0], NULL, h, &at, 10, 0));
	reap("writer", pid);
	close(p[1]);
	R(splice(p[0], NULL, h, &at, 10, 0));
	signal(SIGPIPE, SIG_IGN);
	close(q[0]);
	R(splice(f, &at, q[1], NULL, 10, 0));

	CASE("tee leaves what it copies, vmsplice takes memory", "tee vmsplice");
	int from_[2], to_[2];
	struct iovec iov[2] = {{"first ", 6}, {"second", 6}}, into[2] = {{b, 4}, {b + 100, 50}};
	pipe(from_);
	pipe(to_);
	R(tee(from_[0], to_[1], 10, SPLICE_F_NONBLOCK));
	R(vmsplice(from_[1], iov, 2, 0));
	R(tee(from_[0], to_[1], 9, 0));
	R(tee(from_[0], to_[1], 100, 0));
	R(vmsplice(from_[0], into, 2, 0));
	printf("%.4s %.8s\n", b, b + 100);
	R(read(to_[0], b, 100));
	printf("%.21s\n", b);
	R(tee(from_[0], from_[1], 9, 0));
	R(tee(f, to_[1], 9, 0));
	R(tee(from_[0], f, 9, 0));
	R(tee(from_[0], to_[1], 9, 64));
	R(tee(from_[0], to_[1], 0, 0));
	R(tee(from_[1], to_[1], 9, 0));
	R(tee(from_[0], to_[0], 9, 0));
	R(tee(99, to_[0], 9, 0));
	R(vmsplice(f, iov, 2, 0));
	R(vmsplice(99, iov, 2, 0));
	R(vmsplice(from_[1], iov, 2, 64));
	R(vmsplice(from_[1], iov, 0, 0));
	R(vmsplice(from_[1], iov, 2000, 0));
	if ((pid = child()) == 0) {
		nap(30);
		write(from_[1], "late", 4);
		_exit(0);
	}
	R(tee(from_[0], to_[1], 9, 0));
	reap("writer", pid);
	R(read(to_[0], b, 100));
	close(from_[1]);
	R(read(from_[0], b, 100));
	R(tee(from_[0], to_[1], 9, 0));
	close(to_[0]);
	R(vmsplice(to_[1], iov, 2, 0));

	CASE("advice about files", "readahead sync_file_range");
	R(readahead(f, 0, 100));
	R(readahead(99, 0, 100));
	R(readahead(p[0], 0, 100));
	R(readahead(open("f", O_WRONLY), 0, 100));
	R(sync_file_range(f, 0, 0, 7));
	R(sync_file_range(f, 0, 0, 8));
	R(sync_file_range(f, -1, 0, 7));
	R(sync_file_range(f, 0, -1, 7));
	R(sync_file_range(99, 0, 0, 7));
	R(sync_file_range(p[0], 0, 0, 7));

	CASE("fallocate makes holes and zeroes", "fallocate");
	int k = open("k", O_CREAT | O_RDWR, 0600);
	memset(b, 'k', 20000);
	write(k, b, 20000);
	R(fallocate(k, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 5000, 5000));
	R(fallocate(k, FALLOC_FL_PUNCH_HOLE, 0, 100));
	contents("k");
	R(fallocate(k, FALLOC_FL_ZERO_RANGE, 19000, 3000));
	contents("k");
	R(fallocate(k, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 21000, 3000));
	R(lseek(k, 0, SEEK_END));
	R(fallocate(k, 0, 0, 30000));
	R(lseek(k, 0, SEEK_END));
	R(fallocate(k, FALLOC_FL_KEEP_SIZE, 0, 60000));
	R(lseek(k, 0, SEEK_END));
	R(fallocate(k, 0, 0, 0));
	R(fallocate(k, 0, -1, 10));
	R(fallocate(p[0], 0, 0, 10));
	R(fallocate(d, 0, 0, 10));
	R(fallocate(99, 0, 0, 10));
	R(fallocate(open("k", O_RDONLY), 0, 0, 10));

	CASE("a file that cannot share another's blocks says so", "ioctl");
	R(ioctl(open("reflink", O_CREAT | O_RDWR, 0600), FICLONE, k));
	R(ioctl(k, FICLONE, 99));
	return 0;
}
