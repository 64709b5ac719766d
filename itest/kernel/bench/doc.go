// Bench is a rootd that measures the kernel's entries in guest instructions: run it under -icount shift=0, where the time-stamp
// counter counts one per instruction. Everything from before the SYSCALL to after its return is counted; the measuring frame
// itself is subtracted. Each line of output is "figure NAME MEDIAN MIN SAMPLES".
//
// rootd measures what needs one process and an alien, then starts itself again as a second process of a higher rank, which
// measures calls to rootd and powers the machine off. The measuring threads make raw calls that do not tell Go's scheduler; the
// collector is off.
package main
