// talk SCRIPT PROGRAM ARGS… runs the program on a pseudoterminal of its own and holds the conversation that the script says, a line each:
//   > text      types the text and a newline
//   + text      types the text alone
//   ^ C         types a control character
//   < text      waits until this has been printed behind what was waited for before
//   $           waits until the line that this is in has ended
// It prints all that the program printed, without carriage returns, and how it ended.
#define _GNU_SOURCE
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { patience = 60000 }; // ms

static char out[1 << 20];
static size_t printed, expected;
static int tty;

static void fail(const char *what, const char *of) {
	printf("%s\n*** %s: %s\n", out, what, of);
	exit(1);
}

// more reads what there is; false at the end.
static int more(const char *why) {
	struct pollfd p = {tty, POLLIN};
	if (poll(&p, 1, patience) <= 0)
		fail("nothing came for", why);
	long n = read(tty, out + printed, sizeof out - 1 - printed);
	for (long i = 0; i < n; i++)
		if (out[printed + i] == '\r') // before the newline; it is counted, so that no byte is seen twice
			out[printed + i] = 1;
	if (n > 0)
		printed += n;
	return n > 0;
}

static void await(const char *word) {
	char *at;
	while (!(at = memmem(out + expected, printed - expected, word, strlen(word))))
		if (!more(word))
			fail("it ended before", word);
	expected = at - out + strlen(word);
}

static void type(const char *text, size_t n) {
	if (write(tty, text, n) != (ssize_t)n)
		fail("cannot type", text);
}

int main(int argc, char **argv) {
	FILE *script = fopen(argv[1], "r");
	struct winsize size = {24, 80};
	pid_t pid = forkpty(&tty, NULL, NULL, &size);
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	char line[1024];
	while (fgets(line, sizeof line, script)) {
		size_t n = strlen(line);
		switch (line[0]) {
		case '>':
			type(line + 2, n - 2);
			break;
		case '+':
			type(line + 2, n - 3);
			break;
		case '^':
			type((char[]){line[2] & 0x1f}, 1);
			break;
		case '<':
			line[n - 1] = 0;
			await(line + 2);
			break;
		case '$':
			await("\n");
		}
	}
	while (more("the end"))
		;
	int status;
	waitpid(pid, &status, 0);
	for (size_t i = 0; i < printed; i++)
		if (out[i] != 1)
			putchar(out[i]);
	printf("*** status %x\n", status);
	return 0;
}
