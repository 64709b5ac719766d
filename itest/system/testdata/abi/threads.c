#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t bar;
static sem_t sem;
static int total, turn;
static __thread int mine;
static volatile int got;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_key_t key;

static void *adder(void *p) {
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&m);
		total++;
		pthread_mutex_unlock(&m);
	}
	mine += (long)p;
	return (void *)(long)mine;
}

static void *waiter(void *p) {
	pthread_mutex_lock(&m);
	while (turn != (long)p)
		pthread_cond_wait(&c, &m);
	turn++;
	pthread_cond_broadcast(&c);
	pthread_mutex_unlock(&m);
	return NULL;
}

static void *barrier(void *p) { return (void *)(long)(pthread_barrier_wait(&bar) == PTHREAD_BARRIER_SERIAL_THREAD); }

// handOver makes the turns of one thread of two.
static void *handOver(void *p) {
	for (int i = 0; i < 300; i++) {
		while (*(volatile int *)&turn % 2 != (long)p)
			sched_yield();
		turn++;
	}
	return NULL;
}

static void usr1(int s) { got = mine; }

static void *target(void *p) {
	mine = 42;
	sem_post(&sem);
	while (!got)
		pause();
	return NULL;
}

static void *reader(void *p) {
	pthread_rwlock_rdlock(&rw);
	nap(5);
	pthread_rwlock_unlock(&rw);
	return NULL;
}

static void *forever(void *p) {
	for (;;)
		pause();
}

static void destroyed(void *p) { got = (long)p; }

static void *keyed(void *p) {
	pthread_setspecific(key, (void *)77L);
	return NULL;
}

static void *robust(void *p) {
	pthread_mutex_lock(p);
	return NULL; // with the lock held
}

static void *execs(void *p) {
	execl("/bin/busybox", "busybox", "echo", "executed by a thread", NULL);
	_exit(99);
}

int main(void) {
	CASE("threads add under a mutex and are joined", "clone futex set_robust_list");
	pthread_t t[16];
	void *r;
	for (long i = 0; i < 8; i++)
		R(pthread_create(&t[i], NULL, adder, (void *)i));
	long sum = 0;
	for (int i = 0; i < 8; i++) {
		pthread_join(t[i], &r);
		sum += (long)r;
	}
	R(total);
	R(sum);
	CASE("condition variables and barriers", "futex");
	for (long i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, waiter, (void *)(7 - i));
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	R(turn);
	pthread_barrier_init(&bar, NULL, 6);
	for (int i = 0; i < 6; i++)
		pthread_create(&t[i], NULL, barrier, NULL);
	sum = 0;
	for (int i = 0; i < 6; i++) {
		pthread_join(t[i], &r);
		sum += (long)r;
	}
	R(sum);
	for (int i = 0; i < 200; i++) {
		pthread_create(&t[0], NULL, adder, (void *)1L);
		pthread_join(t[0], NULL);
	}
	R(total);

	CASE("who waits for another gives way to it", "sched_yield");
	struct timespec since, until;
	clock_gettime(CLOCK_MONOTONIC, &since);
	turn = 0;
	for (long i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, handOver, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &until);
	R(turn);
	R(until.tv_sec - since.tv_sec < 20);

	CASE("a signal goes to one thread", "tgkill");
	sem_init(&sem, 0, 0);
	signal(SIGUSR1, usr1);
	pthread_create(&t[0], NULL, target, NULL);
	sem_wait(&sem);
	while (!got) {
		pthread_kill(t[0], SIGUSR1);
		nap(5);
	}
	R(got);
	pthread_join(t[0], NULL);
	CASE("read-write locks and timed waits", "futex");
	pthread_rwlock_wrlock(&rw);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, reader, NULL);
	nap(5);
	pthread_rwlock_unlock(&rw);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 20000000;
	if (ts.tv_nsec >= 1000000000)
		ts.tv_nsec -= 1000000000, ts.tv_sec++;
	R(sem_timedwait(&sem, &ts));
	pthread_mutex_lock(&m);
	R(pthread_cond_timedwait(&c, &m, &ts));
	pthread_mutex_unlock(&m);
	CASE("cancellation, keys and robust mutexes", "exit set_robust_list futex");
	pthread_create(&t[0], NULL, forever, NULL);
	R(pthread_cancel(t[0]));
	pthread_join(t[0], &r);
	R(r == PTHREAD_CANCELED);
	pthread_key_create(&key, destroyed);
	pthread_create(&t[0], NULL, keyed, NULL);
	pthread_join(t[0], NULL);
	R(got);
	pthread_mutexattr_t at;
	pthread_mutexattr_init(&at);
	pthread_mutexattr_setrobust(&at, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_t rm;
	pthread_mutex_init(&rm, &at);
	pthread_create(&t[0], NULL, robust, &rm);
	pthread_join(t[0], NULL);
	R(pthread_mutex_lock(&rm));
	R(pthread_mutex_consistent(&rm));
	pthread_mutex_unlock(&rm);

	CASE("raw futexes", "futex");
	// Raw futexes.
	int w = 5;
	S(futex, &w, FUTEX_WAIT, 6, NULL);
	ts = (struct timespec){0, 5000000};
	S(futex, &w, FUTEX_WAIT, 5, &ts);
	S(futex, &w, FUTEX_WAKE, 1);
	S(futex, (char *)&w + 1, FUTEX_WAKE, 1);
	S(futex, 8, FUTEX_WAIT, 0, NULL);
	S(futex, &w, 99, 0);
	S(futex, &w, FUTEX_WAIT_BITSET, 5, NULL, NULL, 0);
	S(futex, &w, FUTEX_CMP_REQUEUE, 1, 1, &sum, 6);
	S(futex, &w, FUTEX_CMP_REQUEUE, 1, 1, &sum, 5);
	ts = (struct timespec){1, 0}; // absolute, long ago
	S(futex, &w, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, &ts, NULL, ~0U);

	CASE("exec, exit and kill from among threads", "execve exit_group kill");
	// exec and exit from among threads.
	pid_t pid = child();
	if (pid == 0) {
		for (int i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, forever, NULL);
		_exit(6);
	}
	reap("exit", pid);
	pid = child();
	if (pid == 0) {
		for (int i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, forever, NULL);
		pthread_create(&t[4], NULL, execs, NULL);
		pthread_join(t[4], NULL);
		_exit(98);
	}
	reap("exec", pid);
	pid = child();
	if (pid == 0) {
		for (int i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, forever, NULL);
		kill(getpid(), SIGKILL);
		pause();
	}
	reap("kill", pid);
	return 0;
}
