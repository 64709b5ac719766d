// Package sysfs has the pure part of /sys: what is there on a machine, and what it says. Everything here is fixed once the machine is
// known: directories, texts and links, as Linux's sysfs names them. What this machine does not have (PCI, power management, block
// devices, modules, firmware tables) is absent, as on a Linux that was configured without it.
package sysfs

import (
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Text is the number of a file whose text is fixed: the only kind so far. It is kept in vfsd's state.
const Text = 1

// Size is what stat(2) says of every file here: a page.
const Size = 4096

// Device is a character device.
type Device struct {
	Name         string
	Major, Minor uint32
	Mode         uint32 // permissions of its node
}

// Machine is what the tree depends on.
type Machine struct {
	CPUs    int
	MaxCPUs int      // how many the kernel could have
	Console string   // the device behind /dev/console
	Devices []Device // of /dev, in order
}

// Node is a directory, a file with its text, or a link with its target. Its directory comes before it.
type Node struct {
	Path string // from the root, without a leading slash
	Mode uint32 // type and permissions
	Text string
}

// builder collects nodes.
type builder struct {
	nodes []Node
	dirs  map[string]bool
}

// Tree lists everything in /sys but its root.
func Tree(m Machine) []Node {
	b := &builder{dirs: map[string]bool{".": true}}
	b.dir("block", "bus", "class", "dev/block", "dev/char", "devices/system", "devices/virtual", "fs/cgroup", "kernel/mm", "module")
	b.dir("class/block", "class/net")
	b.kernel()
	b.cpus(m)
	b.clock()
	for _, d := range m.Devices {
		b.device(d, m)
	}
	return b.nodes
}

func (b *builder) dir(paths ...string) {
	for _, p := range paths {
		if !b.dirs[p] {
			b.dir(path.Dir(p))
			b.dirs[p] = true
			b.nodes = append(b.nodes, Node{Path: p, Mode: unix.S_IFDIR | 0o755})
		}
	}
}

func (b *builder) text(p string, mode uint32, format string, args ...any) {
	b.dir(path.Dir(p))
	b.nodes = append(b.nodes, Node{Path: p, Mode: unix.S_IFREG | mode, Text: fmt.Sprintf(format, args...)})
}

// link makes a link from one place to another, relative as Linux makes them: up to the first directory that has both.
func (b *builder) link(p, to string) {
	b.dir(path.Dir(p))
	up, at := "", path.Dir(p)
	for at != "." && !strings.HasPrefix(to, at+"/") {
		up, at = up+"../", path.Dir(at)
	}
	b.nodes = append(b.nodes, Node{Path: p, Mode: unix.S_IFLNK | 0o777, Text: up + strings.TrimPrefix(to, at+"/")})
}

const (
	anyone  = 0o444 // may read
	private = 0o440
)

func (b *builder) kernel() {
	// Nothing here sends uevents.
	b.text("kernel/uevent_seqnum", anyone, "0\n")
	b.text("kernel/address_bits", anyone, "64\n")
	b.text("kernel/cpu_byteorder", anyone, "little\n")
}

// span writes a range of numbers from 0 up, as cpulists are written.
func span(n int) string {
	if n == 1 {
		return "0\n"
	}
	return fmt.Sprintf("0-%d\n", n-1)
}

// onBus makes a device known to its bus.
func (b *builder) onBus(bus, name, dev string) {
	b.dir("bus/"+bus+"/devices", "bus/"+bus+"/drivers")
	b.link("bus/"+bus+"/devices/"+name, dev)
	b.link(dev+"/subsystem", "bus/"+bus)
}

func (b *builder) cpus(m Machine) {
	const dir = "devices/system/cpu"
	for _, f := range []string{"online", "possible", "present"} {
		b.text(dir+"/"+f, anyone, "%s", span(m.CPUs))
	}
	b.text(dir+"/offline", anyone, "\n")
	b.text(dir+"/isolated", anyone, "\n")
	b.text(dir+"/kernel_max", anyone, "%d\n", m.MaxCPUs-1)
	for i := range m.CPUs {
		name := fmt.Sprintf("cpu%d", i)
		b.dir(dir + "/" + name)
		b.onBus("cpu", name, dir+"/"+name)
	}
}

func (b *builder) clock() {
	const name, dir = "clocksource0", "devices/system/clocksource/clocksource0"
	b.text(dir+"/available_clocksource", anyone, "tsc\n")
	b.text(dir+"/current_clocksource", anyone, "tsc\n")
	b.onBus("clocksource", name, dir)
}

// Majors of the classes that devices belong to (Linux's Documentation/admin-guide/devices.txt).
var classes = map[uint32]string{1: "mem", 4: "tty", 5: "tty", 10: "misc"}

// serial is the platform device that the serial port hangs on.
const serial = "devices/platform/serial8250"

func (b *builder) device(d Device, m Machine) {
	class := classes[d.Major]
	if class == "" {
		return
	}
	dir := "devices/virtual/" + class + "/" + d.Name
	if d.Major == 4 {
		dir = serial + "/tty/" + d.Name
		b.serialPort(dir)
	}
	uevent := fmt.Sprintf("MAJOR=%d\nMINOR=%d\nDEVNAME=%s\n", d.Major, d.Minor, d.Name)
	// Linux says the mode where everybody may use the device: root's own are what devtmpfs makes anyway.
	if d.Mode&0o006 != 0 {
		uevent += fmt.Sprintf("DEVMODE=%#o\n", d.Mode)
	}
	b.text(dir+"/uevent", anyone, "%s", uevent)
	b.text(dir+"/dev", anyone, "%d:%d\n", d.Major, d.Minor)
	b.link(dir+"/subsystem", "class/"+class)
	b.link("class/"+class+"/"+d.Name, dir)
	b.link(fmt.Sprintf("dev/char/%d:%d", d.Major, d.Minor), dir)
	if d.Name == "console" {
		b.text(dir+"/active", anyone, "%s\n", m.Console)
	}
}

// serialPort is COM1, a 16550A at its usual place.
func (b *builder) serialPort(dir string) {
	b.text(serial+"/uevent", anyone, "DRIVER=serial8250\nMODALIAS=platform:serial8250\n")
	b.text(serial+"/modalias", anyone, "platform:serial8250\n")
	b.onBus("platform", "serial8250", serial)
	b.dir("bus/platform/drivers/serial8250")
	b.link("bus/platform/drivers/serial8250/serial8250", serial)
	b.link(serial+"/driver", "bus/platform/drivers/serial8250")
	b.link(dir+"/device", serial)
	b.text(dir+"/type", private, "4\n")
	b.text(dir+"/line", private, "0\n")
	b.text(dir+"/port", private, "0x3F8\n")
	b.text(dir+"/irq", private, "4\n")
	b.text(dir+"/uartclk", private, "1843200\n")
}
