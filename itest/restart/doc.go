// Package restart tests the restart protocol on the real kernel with the real rootd: the demonstration servers (itest/ledger) are killed,
// poisoned, hung, swapped and starved while a storm of clients (itest/storm) runs, and must show nothing of it. Machines are controlled
// like a user's, through the control channel, and the storm through the console.
package restart
