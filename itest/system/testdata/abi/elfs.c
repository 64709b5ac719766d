// execve(2) of damaged ELF files: a small program, with one thing wrong after the other, and with bytes of its headers flipped at random.
#include "abi.h"
#include <elf.h>
#include <sys/prctl.h>

#define PAGE 4096
#define DATA 0x402000 // where the second segment begins
#define PHDRS 4

static union file {
	unsigned char b[3 * PAGE];
	struct {
		Elf64_Ehdr e;
		Elf64_Phdr p[PHDRS];
	};
} good, f;

// The program exits with 42 plus the byte behind its data, which must have been zeroed.
static const unsigned char code[] = {
	0x0f, 0xb6, 0x3d, 0, 0, 0, 0, // movzbl tail(%rip), %edi
	0x83, 0xc7, 42,               // add $42, %edi
	0xb8, 60, 0, 0, 0,            // mov $SYS_exit, %eax
	0x0f, 0x05,                   // syscall
};

enum { CODE = 0x800, INTERP = 0x400, TAIL = 0x900, FILESZ = 0x800, BASE = 0x400000 };

static void build(void) {
	memset(good.b + PAGE, 0x11, 2 * PAGE);
	memcpy(good.b + CODE, code, sizeof code);
	good.e = (Elf64_Ehdr){.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = 1, .e_entry = BASE + CODE, .e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = PHDRS};
	memcpy(good.e.e_ident, "\x7f" "ELF\2\1\1", 7);
	good.p[0] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0, BASE, BASE, PAGE, PAGE, PAGE};
	good.p[1] = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, PAGE, DATA, DATA, FILESZ, 2 * PAGE, PAGE};
	*(int *)(good.b + CODE + 3) = DATA + TAIL - (BASE + CODE + 7);
	good.p[2] = (Elf64_Phdr){PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16};
	good.p[3] = (Elf64_Phdr){PT_NOTE, PF_R, INTERP, BASE + INTERP, BASE + INTERP, 0, 0, 4};
}

static void save(const char *path, size_t n) {
	unlink(path);
	int fd = open(path, O_CREAT | O_WRONLY, 0755);
	if (write(fd, f.b, n) != n)
		printf("write failed\n");
	close(fd);
}

// run executes the file as it is now and says how that ended: by execve's error, or as the program did. A segment that its file has not is
// SIGBUS or SIGSEGV, as Linux's version has it.
static void run(const char *what, const char *path) {
	int s = 0;
	pid_t pid = child();
	if (pid == 0) {
		alarm(10);
		close(1);
		execl(path, path, NULL);
		_exit(100 + errno);
	}
	waitpid(pid, &s, 0);
	if (WIFSIGNALED(s))
		printf("%s: %s\n", what, WTERMSIG(s) == SIGSEGV || WTERMSIG(s) == SIGBUS ? "fault" : strsignal(WTERMSIG(s)));
	else if (WEXITSTATUS(s) > 100)
		printf("%s: %s\n", what, strerrorname_np(WEXITSTATUS(s) - 100));
	else
		printf("%s: exited %d\n", what, WEXITSTATUS(s));
}

#define TRY(what, ...) do { f = good; __VA_ARGS__; save("damaged", sizeof f); run(what, "./damaged"); } while (0)

static void named(void) {
	CASE("an ELF file with one thing wrong", "execve");
	TRY("nothing wrong", );
	TRY("no segment", f.e.e_phnum = 0);
	TRY("65535 segments", f.e.e_phnum = 65535);
	TRY("as many segments as fit a page", f.e.e_phnum = 72);
	TRY("more segments than fit 64 KiB", f.e.e_phnum = 1171);
	TRY("segments beyond the file", f.e.e_phoff = sizeof f);
	TRY("segments half beyond the file", f.e.e_phoff = sizeof f - 100);
	TRY("segments at the end of numbers", f.e.e_phoff = -64);
	TRY("negative offset of segments", f.e.e_phoff = 1UL << 63);
	TRY("size of a segment header", f.e.e_phentsize = 55);
	TRY("no loadable segment", f.p[0].p_type = f.p[1].p_type = PT_NULL);
	TRY("overlapping segments", f.p[1].p_vaddr = BASE);
	TRY("half overlapping segments", f.p[1].p_vaddr = BASE - PAGE);
	TRY("descending segments", f.p[0].p_vaddr = DATA + 4 * PAGE, f.e.e_entry = DATA + 4 * PAGE + CODE,
		*(int *)(f.b + CODE + 3) = TAIL - (4 * PAGE + CODE + 7));
	TRY("a segment over another's end", f.p[0].p_memsz = 4 * PAGE);
	TRY("address that wraps", f.p[1].p_vaddr = -PAGE);
	TRY("address of the kernel", f.p[1].p_vaddr = 1UL << 63);
	TRY("last page of user space", f.p[1].p_vaddr = 0x7fffffffe000);
	TRY("beyond user space", f.p[1].p_vaddr = 0x7ffffffff000);
	TRY("memory size that wraps", f.p[1].p_memsz = -DATA + PAGE);
	TRY("memory size of everything", f.p[1].p_memsz = -1);
	TRY("huge memory size", f.p[1].p_memsz = 1UL << 46);
	TRY("file size above the memory size", f.p[1].p_filesz = 3 * PAGE);
	TRY("file size beyond the file", f.p[1].p_filesz = f.p[1].p_memsz = 16 * PAGE);
	TRY("offset beyond the file", f.p[1].p_offset = 1 << 20);
	TRY("offset at the end of numbers", f.p[1].p_offset = -PAGE);
	TRY("offset that does not fit the address", f.p[1].p_offset = PAGE + 16);
	TRY("no file part", f.p[1].p_filesz = 0);
	TRY("no memory", f.p[1].p_filesz = f.p[1].p_memsz = 0);
	TRY("file part without memory", f.p[1].p_memsz = 0);
	TRY("alignment of no power of two", f.p[1].p_align = 3);
	TRY("alignment of 0", f.p[1].p_align = f.p[0].p_align = 0);
	TRY("huge alignment", f.p[1].p_align = f.p[0].p_align = 1UL << 40);
	TRY("no rights", f.p[1].p_flags = 0);
	TRY("unreadable bss", f.p[1].p_flags = PF_W);
	TRY("read-only bss", f.p[1].p_flags = PF_R);
	TRY("code that does not run", f.p[0].p_flags = PF_R);
	TRY("entry outside", f.e.e_entry = 0x10);
	TRY("entry in the kernel", f.e.e_entry = 1UL << 63);
	TRY("entry that is no address", f.e.e_entry = 1UL << 62);
	TRY("relocatable file", f.e.e_type = ET_REL);
	TRY("position-independent", f.e.e_type = ET_DYN);
	TRY("position-independent, huge alignment", f.e.e_type = ET_DYN, f.p[1].p_align = 1UL << 40);
	TRY("position-independent, everything", f.e.e_type = ET_DYN, f.p[1].p_memsz = 1UL << 46);
	TRY("another machine", f.e.e_machine = EM_386);
	TRY("big-endian", f.e.e_ident[EI_DATA] = ELFDATA2MSB);
	TRY("two interpreters", f.p[2].p_type = f.p[3].p_type = PT_INTERP);
	CASE("files that end too early", "execve");
	static const int lengths[] = {1, 2, 3, 4, 63, 64, 65, 120, 64 + 56 * PHDRS - 1, 64 + 56 * PHDRS, CODE, CODE + sizeof code, PAGE, PAGE + 1, PAGE + FILESZ};
	for (int i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		char what[40];
		f = good;
		save("damaged", lengths[i]);
		sprintf(what, "%d bytes", lengths[i]);
		run(what, "./damaged");
	}
}

// interpreter makes the good program ask for one.
static void interpreter(const char *path, int n) {
	f.p[3].p_type = PT_INTERP;
	f.p[3].p_filesz = f.p[3].p_memsz = n;
	memcpy(f.b + INTERP, path, strlen(path) + 1);
}

static void interpreters(void) {
	CASE("a damaged request for an interpreter, or a damaged interpreter", "execve");
	char here[PATH_MAX - 20], path[PATH_MAX];
	sprintf(path, "%s/interp", getcwd(here, sizeof here));
	int n = strlen(path) + 1;
	unlink("interp");
	TRY("absent", interpreter(path, n));
	TRY("no NUL", interpreter(path, n - 1));
	TRY("no name", interpreter("", 1));
	TRY("no length", interpreter(path, 0));
	TRY("only a NUL", interpreter("", 2));
	TRY("a long name", interpreter(path, PATH_MAX + 1));
	TRY("beyond the file", interpreter(path, n), f.p[3].p_offset = sizeof f);
	TRY("at the end of numbers", interpreter(path, n), f.p[3].p_offset = -1);
	TRY("a directory", interpreter("/", 2));
	TRY("a device", interpreter("/dev/null", 10));
	put("interp", "");
	TRY("not executable", interpreter(path, n));
	chmod("interp", 0755);
	TRY("empty", interpreter(path, n));
	put("interp", "#!/bin/sh\n");
	TRY("a script", interpreter(path, n));
#define INTERPRETER(what, ...) do { f = good; f.e.e_type = ET_DYN; __VA_ARGS__; save("interp", sizeof f); TRY(what, interpreter(path, n)); } while (0)
	INTERPRETER("a good one", );
	INTERPRETER("at a fixed address", f.e.e_type = ET_EXEC, f.p[0].p_vaddr = 0x800000, f.p[1].p_vaddr = 0x802000, f.e.e_entry = 0x800000 + CODE);
	INTERPRETER("another machine's", f.e.e_machine = EM_386);
	INTERPRETER("no segments", f.e.e_phnum = 0);
	INTERPRETER("too many segments", f.e.e_phnum = 65535);
	INTERPRETER("segments beyond the file", f.e.e_phoff = sizeof f);
	INTERPRETER("no loadable segment", f.p[0].p_type = f.p[1].p_type = PT_NULL);
	INTERPRETER("huge", f.p[1].p_memsz = 1UL << 46);
	INTERPRETER("wraps", f.p[1].p_memsz = -1);
	INTERPRETER("file size above the memory size", f.p[1].p_filesz = 3 * PAGE);
	INTERPRETER("entry outside", f.e.e_entry = 1UL << 40);
	f = good;
	f.e.e_type = ET_DYN;
	save("interp", 70);
	TRY("short", interpreter(path, n));
	save("interp", 40);
	TRY("shorter", interpreter(path, n));
	unlink("interp");
	symlink("interp", "interp");
	TRY("a loop", interpreter(path, n));
	unlink("interp");
}

static unsigned long seed;

static unsigned rnd(unsigned n) {
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (seed >> 33) % n;
}

// loaded reports whether a segment covers addr.
static int loaded(unsigned long addr) {
	for (int i = 0; i < PHDRS; i++)
		if (f.p[i].p_type == PT_LOAD && addr >= f.p[i].p_vaddr && addr - f.p[i].p_vaddr < f.p[i].p_memsz)
			return 1;
	return 0;
}

// depends reports what depends on the machine: a segment below vm.mmap_min_addr, which Aramid does not map for root either; one that needs
// more memory than some have; more headers of segments than fit a page, which Linux 6.1 does not take; what lies between the segments of a position-independent
// program (Linux puts the vDSO there); and an instruction cut in half, which QEMU takes for another one than the processor.
static int depends(void) {
	unsigned long entry = f.e.e_entry;
	if (f.e.e_type == ET_DYN && (!loaded(entry) || !loaded(DATA + TAIL)) || entry > BASE + CODE && entry < BASE + CODE + sizeof code)
		return 1;
	for (int i = 0; i < PHDRS; i++)
		if (f.p[i].p_type == PT_LOAD && (f.p[i].p_vaddr < 0x10000 || f.p[i].p_memsz > 1 << 28 && f.p[i].p_memsz < 1UL << 45))
			return 1;
	return f.e.e_phnum > 73;
}

static void flipped(void) {
	CASE("random bits of the headers flipped", "execve");
	int count = getenv("SEEDS") ? atoi(getenv("SEEDS")) : 250;
	for (int s = 1; s <= count; s++) {
		char what[40];
		seed = s;
		f = good;
		if (s % 2)
			f.e.e_type = ET_DYN;
		for (int n = 1 + rnd(3); n > 0; n--) {
			int at = rnd(sizeof f.e + sizeof f.p);
			f.b[at] ^= 1 << rnd(8);
		}
		if (depends())
			continue;
		save("damaged", sizeof f);
		sprintf(what, "seed %d", s);
		run(what, "./damaged");
	}
}

int main(void) {
	prctl(PR_SET_DUMPABLE, 0);
	build();
	named();
	interpreters();
	flipped();
	return 0;
}
