// Command kcheck verifies a linked kernel: kcheck [-stack BYTES] [-text BYTES] [-top N] [-q] ELF. It prints the report and exits with 1
// if a rule is broken, with 2 if the file cannot be read.
package main

import (
	"flag"
	"fmt"
	"os"

	"aramid/ukernel/kcheck"
)

func main() {
	config := kcheck.Aramid()
	flag.IntVar(&config.Stack, "stack", kcheck.DefaultStack, "kernel stack per CPU, bytes")
	flag.IntVar(&config.Text, "text", kcheck.DefaultText, "limit of reachable code, bytes")
	flag.StringVar(&config.Arch, "arch", config.Arch, "import path of the package that may use privileged instructions")
	flag.StringVar(&config.Trap, "trap", config.Trap, "symbol of the function that overwritten runtime functions call")
	quiet := flag.Bool("q", false, "print violations only")
	top := flag.Int("top", 0, "list so many of the largest reachable functions")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	report, err := kcheck.Check(flag.Arg(0), config)
	if report == nil {
		fmt.Fprintln(os.Stderr, "kcheck:", err)
		os.Exit(2)
	}
	if !*quiet {
		fmt.Print(report)
	} else if err != nil {
		fmt.Fprintln(os.Stderr, "kcheck:", err)
	}
	for _, f := range report.Largest(*top) {
		fmt.Printf("%6d %s\n", f.Size, f.Name)
	}
	if err != nil {
		os.Exit(1)
	}
}
