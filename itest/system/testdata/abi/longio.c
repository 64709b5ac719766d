/* covers: pread64 pwrite64 readv writev */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* One call moves all of a long buffer to and from a regular file. */
int main(void)
{
	enum { N = 3 * 1024 * 1024 + 77 };
	char *a = malloc(N), *b = calloc(1, N);
	for (int i = 0; i < N; i++)
		a[i] = i * 31 + i / 4096;
	int fd = open("long", O_CREAT | O_RDWR | O_TRUNC, 0600);
	printf("write %zd\n", write(fd, a, N));
	printf("pread %zd\n", pread(fd, b, N, 0));
	printf("same %d\n", memcmp(a, b, N) == 0);
	lseek(fd, 5, SEEK_SET);
	printf("read past the end %zd\n", read(fd, b, N));
	printf("position %ld\n", (long)lseek(fd, 0, SEEK_CUR));
	struct iovec v[2] = {{a, 1000}, {a + 1000, N - 1000}};
	printf("pwritev %zd\n", pwritev(fd, v, 2, 7));
	memset(b, 0, N);
	struct iovec r[2] = {{b, N - 9}, {b + N - 9, 9}};
	printf("preadv %zd\n", preadv(fd, r, 2, 7));
	printf("same %d\n", memcmp(a, b, N) == 0);
	int ro = open("long", O_RDONLY);
	printf("write to a read-only file %zd\n", write(ro, a, N));
	return 0;
}
