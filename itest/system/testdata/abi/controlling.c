#include "abi.h"
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;
static char name[64];

static void fresh(void) {
	master = posix_openpt(O_RDWR | O_NOCTTY);
	grantpt(master);
	unlockpt(master);
	ptsname_r(master, name, sizeof name);
}

static volatile int got[NSIG];
static void note(int s) { got[s]++; }

static void catch(int s) {
	struct sigaction a = {.sa_handler = note};
	sigaction(s, &a, NULL);
	got[s] = 0;
}

// session forks a session leader that has the terminal of a new pair.
static pid_t session(void) {
	fresh();
	pid_t pid = child();
	if (pid == 0) {
		setsid();
		slave = open(name, O_RDWR);
		close(master);
	}
	return pid;
}

// until waits for a state change and shows it.
static void until(const char *what, pid_t pid, int options) {
	int s = 0;
	if (waitpid(pid, &s, options) != pid)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else if (WIFSTOPPED(s))
		printf("%s: stopped by %d\n", what, WSTOPSIG(s));
	else if (WIFCONTINUED(s))
		printf("%s: continued\n", what);
	else if (WIFSIGNALED(s))
		printf("%s: killed by %d\n", what, WTERMSIG(s));
	else
		printf("%s: exited %d\n", what, WEXITSTATUS(s));
}

static void taking(void) {
	CASE("who gets a controlling terminal", "open ioctl setsid");
	int ttyfd, sid = -1;
	pid_t pid = child();
	if (pid == 0) {
		fresh();
		setsid();
		R(open("/dev/tty", O_RDWR));
		slave = open(name, O_RDWR | O_NOCTTY);
		R(open("/dev/tty", O_RDWR));
		R(tcgetpgrp(slave));
		R(ioctl(slave, TIOCGSID, &sid));
		R(ioctl(slave, TIOCNOTTY));
		R(tcsetpgrp(slave, getpid()));
		close(slave);
		int w = open(name, O_WRONLY);
		R(open("/dev/tty", O_RDWR)); // only for writing: not taken
		close(w);
		slave = open(name, O_RDWR);
		ttyfd = open("/dev/tty", O_RDWR);
		R(ttyfd >= 0);
		R(tcgetpgrp(slave) == getpid());
		R(ioctl(slave, TIOCGSID, &sid));
		R(sid == getpid());
		R(tcgetpgrp(master) == getpid());
		R(isatty(ttyfd));
		R(strcmp(ttyname(slave), name));
		R(ioctl(slave, TIOCSCTTY, 0)); // has it
		char first[64];
		strcpy(first, name);
		fresh();
		int other = open(name, O_RDWR);
		R(tcgetpgrp(other));
		R(ioctl(other, TIOCSCTTY, 0)); // has another
		pid_t p = child();
		if (p == 0) {
			R(ioctl(other, TIOCSCTTY, 0)); // no leader
			setsid();
			R(open("/dev/tty", O_RDWR));
			R(tcgetpgrp(slave));
			R(ioctl(slave, TIOCSCTTY, 0)); // taken
			int s2 = open(first, O_RDWR);
			R(open("/dev/tty", O_RDWR));
			R(ioctl(slave, TIOCSCTTY, 1)); // root steals it
			R(tcgetpgrp(slave) == getpid());
			_exit(0);
		}
		reap("thief", p);
		R(tcgetpgrp(slave));
		R(open("/dev/tty", O_RDWR));
		_exit(0);
	}
	reap("leader", pid);
}

static void giving(void) {
	CASE("giving the terminal up", "ioctl");
	pid_t pid = session();
	if (pid == 0) {
		catch(SIGHUP);
		catch(SIGCONT);
		R(ioctl(slave, TIOCNOTTY));
		R(got[SIGHUP]);
		R(got[SIGCONT]);
		R(open("/dev/tty", O_RDWR));
		R(isatty(slave));
		R(ioctl(slave, TIOCSCTTY, 0));
		R(tcgetpgrp(slave) == getpid());
		_exit(0);
	}
	reap("leader", pid);
	close(master);
}

static void typed(void) {
	CASE("typed signals reach the foreground", "kill wait4 setpgid");
	static const struct {
		const char *key;
		int stop;
	} keys[] = {{"\x03", 0}, {"\x1c", 0}, {"\x1a", WUNTRACED}};
	for (int i = 0; i < 3; i++) {
		int ready[2];
		pipe(ready);
		pid_t pid = session();
		if (pid == 0) {
			signal(SIGTTOU, SIG_IGN);
			pid_t p = child();
			if (p == 0) {
				setpgid(0, 0);
				tcsetpgrp(slave, getpid());
				signal(SIGTTOU, SIG_DFL);
				signal(SIGQUIT, SIG_DFL); // which a shell without job control may ignore
				write(ready[1], "x", 1);
				for (;;)
					pause();
			}
			until("foreground", p, keys[i].stop);
			kill(p, SIGKILL);
			kill(p, SIGCONT);
			_exit(0);
		}
		char c;
		read(ready[0], &c, 1);
		write(master, keys[i].key, 1);
		reap("leader", pid);
		close(master);
		close(ready[0]), close(ready[1]);
	}
}

static void background(void) {
	CASE("the background reads, writes and changes", "read write ioctl kill");
	char b[16];
	struct termios t;
	pid_t pid = session();
	if (pid == 0) {
		for (int i = 0; i < 8; i++) {
			pid_t p = child();
			if (p == 0) {
				setpgid(0, 0);
				sigset_t m;
				sigemptyset(&m);
				sigaddset(&m, SIGTTOU);
				sigaddset(&m, SIGTTIN);
				tcgetattr(slave, &t);
				switch (i) {
				case 0:
					R(read(slave, b, 1));
					break;
				case 1:
					signal(SIGTTIN, SIG_IGN);
					R(read(slave, b, 1));
					break;
				case 2:
					sigprocmask(SIG_BLOCK, &m, NULL);
					R(read(slave, b, 1));
					break;
				case 3:
					R(write(slave, "x", 1)); // without TOSTOP
					break;
				case 4:
					signal(SIGTTOU, SIG_IGN);
					t.c_lflag |= TOSTOP;
					R(tcsetattr(slave, TCSANOW, &t));
					signal(SIGTTOU, SIG_DFL);
					write(slave, "x", 1);
					break;
				case 5:
					signal(SIGTTOU, SIG_IGN);
					R(write(slave, "x", 1));
					break;
				case 6:
					catch(SIGTTOU);
					R(tcsetpgrp(slave, getpid()));
					R(got[SIGTTOU] > 0);
					break;
				case 7:
					R(tcflush(slave, TCIFLUSH));
				}
				_exit(5);
			}
			until("process", p, WUNTRACED);
			kill(-p, SIGKILL);
			kill(p, SIGKILL);
			waitpid(p, NULL, 0);
		}
		R(tcgetpgrp(slave) == getpid());
		_exit(0);
	}
	char c[64];
	fcntl(master, F_SETFL, O_NONBLOCK);
	reap("leader", pid);
	R(read(master, c, sizeof c));
	close(master);

	CASE("an orphaned group gets EIO", "read ioctl");
	pid = session();
	if (pid == 0) {
		int gate[2], done[2];
		pipe(gate);
		pipe(done);
		pid_t p = child();
		if (p == 0) {
			setpgid(0, 0);
			if (child() == 0) {
				close(gate[1]);
				close(done[0]);
				read(gate[0], b, 1); // until its parent is gone
				nap(20);
				R(read(slave, b, 1));
				R(tcsetpgrp(slave, getpgrp()));
				R(tcflush(slave, TCIFLUSH));
				_exit(0);
			}
			_exit(0);
		}
		reap("parent", p);
		close(gate[1]);
		close(done[1]);
		read(done[0], b, 1); // until the orphan has ended
		_exit(0);
	}
	reap("leader", pid);
	close(master);
}

static void choosing(void) {
	CASE("which groups may come to the foreground", "ioctl setpgid");
	pid_t pid = session();
	if (pid == 0) {
		pid_t own = child();
		if (own == 0) {
			setpgid(0, 0);
			for (;;)
				pause();
		}
		setpgid(own, own);
		R(tcsetpgrp(slave, own));
		R(tcgetpgrp(slave) == own);
		signal(SIGTTOU, SIG_IGN);
		R(tcsetpgrp(slave, getppid()));
		R(tcsetpgrp(slave, 30000));
		R(tcsetpgrp(slave, -1));
		R(tcsetpgrp(slave, getpid()));
		kill(own, SIGKILL);
		waitpid(own, NULL, 0);
		R(tcsetpgrp(slave, own));
		_exit(0);
	}
	reap("leader", pid);
	close(master);
}

static void sizes(void) {
	CASE("a new size is told", "ioctl");
	pid_t pid = session();
	struct winsize w = {30, 90, 1, 2}, v;
	if (pid == 0) {
		catch(SIGWINCH);
		R(ioctl(slave, TIOCSWINSZ, &w));
		R(got[SIGWINCH]);
		R(ioctl(slave, TIOCSWINSZ, &w)); // as it is
		R(got[SIGWINCH]);
		R(ioctl(slave, TIOCGWINSZ, &v));
		printf("%d %d %d %d\n", v.ws_row, v.ws_col, v.ws_xpixel, v.ws_ypixel);
		_exit(0);
	}
	reap("leader", pid);
	R(ioctl(master, TIOCGWINSZ, &v));
	R(v.ws_col);
	close(master);
}

static void endings(void) {
	char b[16];
	CASE("the master closes", "close ioctl");
	int ready[2];
	pipe(ready);
	pid_t pid = session();
	if (pid == 0) {
		catch(SIGHUP);
		catch(SIGCONT);
		write(ready[1], "x", 1);
		while (!got[SIGHUP] || !got[SIGCONT])
			pause();
		R(read(slave, b, 1));
		R(write(slave, "x", 1));
		R(open("/dev/tty", O_RDWR));
		R(open(name, O_RDWR));
		_exit(3);
	}
	read(ready[0], b, 1);
	close(master);
	reap("leader", pid);

	CASE("the leader ends", "exit_group");
	pid = session();
	if (pid == 0) {
		if (child() == 0) {
			signal(SIGCONT, SIG_IGN);
			catch(SIGHUP);
			write(ready[1], "x", 1);
			while (!got[SIGHUP])
				pause();
			nap(500); // the leader is reaped first
			R(isatty(slave)); // not hung up
			R(open("/dev/tty", O_RDWR));
			write(ready[1], "y", 1);
			_exit(0);
		}
		read(ready[0], b, 1);
		_exit(0);
	}
	reap("leader", pid);
	read(ready[0], b, 1);
	R(b[0]);
	slave = open(name, O_RDWR | O_NOCTTY);
	int sid;
	R(ioctl(master, TIOCGSID, &sid));
	close(slave);
	close(master);

	CASE("a virtual hangup", "vhangup");
	pid = session();
	if (pid == 0) {
		catch(SIGHUP);
		catch(SIGCONT);
		int other = open("/dev/tty", O_RDWR);
		S(vhangup, 0);
		R(got[SIGHUP]);
		R(got[SIGCONT]);
		R(read(slave, b, 1));
		R(write(other, "x", 1));
		R(open("/dev/tty", O_RDWR));
		S(vhangup, 0); // nothing to hang up
		int again = open(name, O_RDWR | O_NOCTTY);
		R(isatty(again));
		R(ioctl(again, TIOCVHANGUP));
		R(isatty(again));
		setuid(65534);
		S(vhangup, 0);
		_exit(0);
	}
	reap("leader", pid);
	close(master);
}

static void exclusive(void) {
	CASE("an exclusive terminal", "open ioctl");
	fresh();
	slave = open(name, O_RDWR | O_NOCTTY);
	int on = -1;
	R(ioctl(slave, TIOCEXCL));
	R(ioctl(slave, 0x80045440 /* TIOCGEXCL */, &on));
	R(on);
	pid_t pid = child();
	if (pid == 0) {
		R(open(name, O_RDWR | O_NOCTTY) >= 0);
		chmod(name, 0666);
		setuid(65534);
		R(open(name, O_RDWR | O_NOCTTY));
		_exit(0);
	}
	reap("others", pid);
	R(ioctl(slave, TIOCNXCL));
	struct termios lock, t;
	memset(&lock, 0, sizeof lock);
	R(ioctl(slave, TIOCGLCKTRMIOS, &t));
	R(t.c_lflag);
	lock.c_lflag = ECHO;
	R(ioctl(slave, TIOCSLCKTRMIOS, &lock));
	tcgetattr(slave, &t);
	t.c_lflag = 0;
	R(ioctl(slave, TCSETS, &t));
	R(ioctl(slave, TCGETS, &t));
	R(t.c_lflag);
	R(ioctl(slave, 0x4b44 /* KDGKBMODE */, &on));
	R(ioctl(slave, 0x4b3a /* KDSETMODE */, 0));
	R(ioctl(slave, TIOCLINUX, "\x06"));
	int d = 5;
	R(ioctl(slave, TIOCGETD, &d));
	R(d);
	R(ioctl(slave, TCFLSH, 7));
	R(ioctl(slave, TCXONC, 7));
	close(slave);
	close(master);
}

static void kernelLog(void) {
	CASE("the kernel log's rules", "syslog");
	char b[256];
	R(syscall(SYS_syslog, 10, NULL, 0) > 0);
	S(syslog, 3, NULL, 10);
	S(syslog, 3, b, -1);
	S(syslog, 3, b, 0);
	S(syslog, 99, b, 0);
	S(syslog, 8, NULL, 0);
	S(syslog, 8, NULL, 9);
	pid_t pid = child();
	if (pid == 0) {
		setuid(65534);
		S(syslog, 5, NULL, 0);
		S(syslog, 2, b, 10);
		_exit(0);
	}
	reap("user", pid);
}

int main(void) {
	taking();
	giving();
	typed();
	background();
	choosing();
	sizes();
	endings();
	exclusive();
	kernelLog();
	return 0;
}
