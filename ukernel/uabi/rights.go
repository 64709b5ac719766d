package uabi

// Rights of a handle. A handle made from another can only lose rights.
const (
	RightRead     = 1 << iota // memory, grants, events: look
	RightWrite                // memory, grants, events: change
	RightMap                  // memory: map; space: change the layout
	RightCall                 // endpoint: call
	RightReceive              // endpoint: receive, mint, acknowledge
	RightTransfer             // may be sent in a message
	RightManage               // process, thread, account, space: control
	RightWeak                 // the handle does not count for R6; any use fails with ErrStale once the badge died
	RightsAll     = 1<<8 - 1 - RightWeak
)

// Type is the type of a kernel object.
type Type uint32

// The object types (DESIGN §3), and Port for an I/O port range.
const (
	TypeNone Type = iota
	TypeSpace
	TypeThread
	TypeEndpoint
	TypeBadge // an endpoint as seen through a badged handle
	TypeEvent
	TypeWaitSet
	TypeTimer
	TypeMemory
	TypeIRQ
	TypePort
	TypeProcess
	TypeAccount
	TypeCount
)

// Boot handles: what a process finds in its table when it starts. rootd (for itself: the kernel) put them there.
const (
	BootProcess  Handle = 1 + iota // itself (RightRead)
	BootSpace                      // its own space (RightMap)
	BootAccount                    // what it is charged to
	BootEndpoint                   // where it receives (RightReceive)
	BootKept                       // memory object that outlives the image: journal and snapshots
	BootArchive                    // the boot archive (cpio), read-only
	BootConfig                     // memory object with the kernel command line, NUL-terminated
	BootInitrd                     // PVH module 0 (root file system image), read-only; absent if there was none
	BootRoot                       // the endpoints below, by rank; each absent unless rootd gave it
	BootMM
	BootProc
	BootVFS
	BootNet
	BootLinux
	BootPorts      // all I/O ports (rootd), or the range rootd handed out
	BootIRQ        // right to create IRQ objects
	BootPower      // right to power off
	BootClock      // the clock page (ClockPage…), read-only
	BootFirst = 32 // first slot the kernel hands out itself
)

// Ranks of endpoints and processes. A call must go to a lower rank. RankClient is for native programs that serve nobody.
const (
	RankRoot   = 0
	RankMM     = 1
	RankProc   = 2
	RankVFS    = 3
	RankNet    = 4
	RankLinux  = 5
	RankClient = 6
)
