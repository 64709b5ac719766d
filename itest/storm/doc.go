// Package storm is the client side of the demonstration: programs that use a ledger at random and know what each answer must be, and the
// checker of what must hold when they are done. The same code runs on uksim and, as programs below cmd, in QEMU.
package storm
