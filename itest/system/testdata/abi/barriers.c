// membarrier(2): of two threads that each write one word and read the other's, at least one sees what the other wrote, though only one of
// them executes a barrier.
#include "abi.h"
#include <linux/membarrier.h>
#include <pthread.h>

#define ROUNDS 50
static volatile int mine, theirs, seen, round_no, done_no;

// until waits for a word to have a value: a little while without a call, in which the two threads run at once.
static void until(volatile int *word, int value) {
	for (long spins = 0; *word != value; spins++)
		if (spins > 10000)
			nap(1);
}

static void *other(void *unused) {
	for (int i = 1; i <= ROUNDS; i++) {
		until(&round_no, i);
		theirs = 1;
		__asm__ volatile("" ::: "memory"); // no barrier of the processor's
		seen = mine;
		done_no = i;
	}
	return NULL;
}

int main(void) {
	CASE("membarrier orders what others do", "membarrier");
	long all = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
	R((all & 7) == 7);
	S(membarrier, MEMBARRIER_CMD_QUERY, 1, 0);
	S(membarrier, MEMBARRIER_CMD_GLOBAL, 1, 0);
	S(membarrier, 3, 0, 0);
	S(membarrier, 1 << 20, 0, 0);
	S(membarrier, -1, 0, 0);
	S(membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	S(membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
	S(membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
	pthread_t t;
	pthread_create(&t, NULL, other, NULL);
	int neither = 0;
	for (int i = 1; i <= ROUNDS; i++) {
		mine = theirs = seen = 0;
		__sync_synchronize();
		round_no = i;
		mine = 1;
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
		int saw = theirs;
		until(&done_no, i);
		neither += !saw && !seen;
	}
	pthread_join(t, NULL);
	R(neither);
	return 0;
}
