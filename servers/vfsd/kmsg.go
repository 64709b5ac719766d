package main

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/procfs"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// The kernel log (Documentation/ABI/testing/dev-kmsg, syslog(2)): a bounded ring of records. Programs write it through /dev/kmsg; what is
// important enough is shown on the console, as Linux does, and all of it in the host's log.

const (
	logSize  = 64 << 10 // bytes of text that the ring keeps
	logLine  = 976      // LOG_LINE_MAX
	logEvent = 1        // bit that a record raises

	facilityUser  = 1
	levelBits     = 7
	levelDefault  = 4 // default_message_loglevel
	levelNotice   = 5
	consoleLevel  = 7 // CONSOLE_LOGLEVEL_DEFAULT
	consoleQuiet  = 4
	consoleDebug  = 10
	facilityShift = 3
)

// startLog makes the log with its first record.
func (h *VFSD) startLog(c *server.Ctx) {
	h.top.Kmsg = &state.Kmsg{ConsoleLevel: h.cfg.consoleLevel()}
	if event, err := c.EventCreate(uabi.BootAccount); err == uabi.OK {
		h.top.Kmsg.Event = uint32(event)
	}
	h.addRecord(c, levelNotice, strings.TrimSuffix(procfs.VersionText(), "\n"))
	h.addRecord(c, levelNotice+1, "Command line: "+h.cfg.CommandLine)
}

// consoleLevel is what the kernel command line says (kernel-parameters.txt: quiet, debug, loglevel).
func (c *Config) consoleLevel() uint32 {
	level := uint32(consoleLevel)
	for f := range strings.FieldsSeq(c.CommandLine) {
		name, value, _ := strings.Cut(f, "=")
		switch name {
		case "quiet":
			level = consoleQuiet
		case "debug":
			level = consoleDebug
		case "loglevel":
			if v, err := strconv.ParseUint(value, 10, 8); err == nil {
				level = uint32(v)
			}
		}
	}
	return level
}

// addRecord puts a record into the ring; the oldest make room.
func (h *VFSD) addRecord(c *server.Ctx, priority uint32, text string) {
	g := h.top.Kmsg
	usec := c.Now() / 1000
	g.Records = append(g.Records, &state.Record{Priority: priority, Usec: usec, Text: text})
	g.Next++
	g.Bytes += uint32(len(text))
	for g.Bytes > logSize {
		g.Bytes -= uint32(len(g.Records[0].Text))
		g.Records = slices.Delete(g.Records, 0, 1)
	}
	if first := h.firstRecord(); g.Read < first {
		g.Read, g.Partial = first, 0
	}
	c.EventUpdate(uabi.Handle(g.Event), 0, 0, logEvent)
	h.logLevel(c, unix.POLLIN)
	if !c.Replaying() {
		h.cfg.Log(fmt.Sprintf("kmsg: <%d>%s", priority, text))
	}
	if !h.cfg.Container && priority&levelBits < g.ConsoleLevel {
		t := h.console()
		t.Out = append(t.Out, strings.ReplaceAll(stamp(usec)+text+"\n", "\n", "\r\n")...)
		h.send(c)
		h.ttyLevel(c, t, 0)
	}
}

// Log implements vfs.Handler.
func (h *VFSD) Log(c *server.Ctx, in *vfs.LogRequest, out *vfs.EmptyReply) uabi.Error {
	h.addRecord(c, in.Priority, strings.Clone(in.Text))
	return uabi.OK
}

// stamp is how Linux shows a record's time.
func stamp(usec uint64) string { return fmt.Sprintf("[%5d.%06d] ", usec/1e6, usec%1e6) }

// firstRecord is the number of the oldest record.
func (h *VFSD) firstRecord() uint64 { return h.top.Kmsg.Next - uint64(len(h.top.Kmsg.Records)) }

func (h *VFSD) record(n uint64) *state.Record { return h.top.Kmsg.Records[n-h.firstRecord()] }

// openLog opens /dev/kmsg; reading starts at the oldest record.
func (k *call) openLog(at tree.Ref, o *state.Open, out *vfs.OpenReply) uabi.Error {
	event, err := k.c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return err
	}
	handle, err := k.c.Mint(k.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	o.Event, o.Log, o.Value = uint32(event), true, k.firstRecord()
	k.add(o, at, vfs.Kind_DEVICE, handle, out)
	k.logOpens = append(k.logOpens, o.Id)
	k.logLevel(k.c, 0)
	return uabi.OK
}

// closeLog forgets an open file of the log.
func (h *VFSD) closeLog(o *state.Open) {
	h.logOpens = slices.DeleteFunc(h.logOpens, func(id uint64) bool { return id == o.Id })
}

// logLevel brings the events of the log's open files up to date; an overrun reader is told by an error.
func (h *VFSD) logLevel(c *server.Ctx, raise uint32) {
	for _, id := range h.logOpens {
		o := h.opens.Get(id)
		now := uint32(unix.POLLOUT)
		if o.Value < h.top.Kmsg.Next {
			now |= unix.POLLIN
		}
		if o.Value < h.firstRecord() {
			now |= unix.POLLERR | unix.POLLPRI
		}
		set, clear := now&^o.Level|now&raise, o.Level&^now
		if set|clear != 0 {
			c.EventUpdate(uabi.Handle(o.Event), set, clear, 0)
			o.Level = now
		}
	}
}

// readLog gives the next record.
func (h *VFSD) readLog(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	g := h.top.Kmsg
	if o.Value < h.firstRecord() {
		return uabi.ErrPipe // who reads seeks to the first record then
	}
	if o.Value == g.Next {
		if o.Flags&unix.O_NONBLOCK != 0 {
			return uabi.ErrAgain
		}
		return c.Wait(uabi.Handle(o.Event), unix.POLLIN, onlyLevel, uabi.NoDeadline)
	}
	r := h.record(o.Value)
	line := fmt.Sprintf("%d,%d,%d,-;%s\n", r.Priority, o.Value, r.Usec, escapeRecord(r.Text))
	if uint64(len(line)) > c.GrantLen(0) {
		return uabi.ErrArg
	}
	if n, err := c.GrantWrite(0, 0, []byte(line)); n < len(line) {
		return faultOr(err)
	}
	o.Value++
	h.logLevel(c, 0)
	out.Count = int64(len(line))
	return uabi.OK
}

// escapeRecord writes what is not printable as Linux does.
func escapeRecord(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '\\' {
			fmt.Fprintf(&b, "\\x%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// writeLog adds a line, with a priority in front of it (<N>) or without.
func (h *VFSD) writeLog(c *server.Ctx, out *vfs.CountReply) uabi.Error {
	want := c.GrantLen(0)
	if want > logLine {
		return uabi.ErrArg
	}
	b := h.scratch[:want]
	if n, err := c.GrantRead(0, 0, b); uint64(n) < want {
		return faultOr(err)
	}
	priority, text := parseRecord(b)
	h.addRecord(c, priority, string(bytes.TrimSuffix(text, []byte("\n"))))
	out.Count = int64(want)
	return uabi.OK
}

// parseRecord takes the priority off a line. Programs cannot speak as the kernel (facility 0).
func parseRecord(b []byte) (priority uint32, text []byte) {
	priority = facilityUser<<facilityShift | levelDefault
	if len(b) == 0 || b[0] != '<' {
		return priority, b
	}
	i := bytes.IndexByte(b, '>')
	if i < 0 {
		return priority, b
	}
	v, err := strconv.ParseUint(string(b[1:i]), 10, 32)
	if err != nil {
		return priority, b
	}
	facility := uint32(v) >> facilityShift
	if facility == 0 {
		facility = facilityUser
	}
	return facility<<facilityShift | uint32(v)&levelBits, b[i+1:]
}

// seekLog: to the first record, the last one that was cleared, or behind the last.
func (h *VFSD) seekLog(c *server.Ctx, o *state.Open, in *vfs.SeekRequest) uabi.Error {
	const seekData = 3
	if in.Offset != 0 {
		return uabi.ErrSeek
	}
	switch in.Whence {
	case unix.SEEK_SET:
		o.Value = h.firstRecord()
	case seekData:
		o.Value = max(h.top.Kmsg.Clear, h.firstRecord())
	case unix.SEEK_END:
		o.Value = h.top.Kmsg.Next
	default:
		return uabi.ErrArg
	}
	h.logLevel(c, 0)
	return uabi.OK
}

// Actions of syslog(2).
const (
	syslogClose = iota
	syslogOpen
	syslogRead
	syslogReadAll
	syslogReadClear
	syslogClear
	syslogConsoleOff
	syslogConsoleOn
	syslogConsoleLevel
	syslogUnread
	syslogSize
)

// Syslog implements vfs.Handler.
func (h *VFSD) Syslog(c *server.Ctx, in *vfs.SyslogRequest, out *vfs.CountReply) uabi.Error {
	g := h.top.Kmsg
	if in.Action != syslogReadAll && in.Action != syslogSize && h.begin(c, false).env.UID != 0 {
		return uabi.ErrPerm
	}
	switch in.Action {
	case syslogClose, syslogOpen:
	case syslogRead, syslogReadAll, syslogReadClear:
		return h.syslogText(c, in, out)
	case syslogClear:
		g.Clear = g.Next
	case syslogConsoleOff:
		g.ConsoleLevel = 1
	case syslogConsoleOn:
		g.ConsoleLevel = h.cfg.consoleLevel()
	case syslogConsoleLevel:
		if in.Len < 1 || in.Len > levelBits+1 {
			return uabi.ErrArg
		}
		g.ConsoleLevel = uint32(in.Len)
	case syslogUnread:
		out.Count = max(int64(len(h.syslogFrom(g.Read)))-int64(g.Partial), 0)
	case syslogSize:
		out.Count = logSize
	default:
		return uabi.ErrArg
	}
	return uabi.OK
}

// syslogFrom is the text of the records from a number on, each line with its priority and time.
func (h *VFSD) syslogFrom(n uint64) []byte {
	var b []byte
	for n = max(n, h.firstRecord()); n < h.top.Kmsg.Next; n++ {
		b = h.appendSyslog(b, n)
	}
	return b
}

func (h *VFSD) appendSyslog(b []byte, n uint64) []byte {
	r := h.record(n)
	for line := range strings.SplitSeq(r.Text, "\n") {
		b = fmt.Appendf(b, "<%d>%s%s\n", r.Priority, stamp(r.Usec), line)
	}
	return b
}

// syslogText is the part of syslog(2) that gives text: READ takes the oldest away, READ_ALL gives the newest that fit.
func (h *VFSD) syslogText(c *server.Ctx, in *vfs.SyslogRequest, out *vfs.CountReply) uabi.Error {
	g := h.top.Kmsg
	if in.Len < 0 {
		return uabi.ErrArg
	}
	if in.Len == 0 {
		return uabi.OK
	}
	if in.Action == syslogRead && g.Read == g.Next {
		_, seq, err := c.EventRead(uabi.Handle(g.Event))
		if err != uabi.OK {
			return err
		}
		return c.Wait(uabi.Handle(g.Event), logEvent, seq, uabi.NoDeadline)
	}
	if in.Action != syslogRead {
		from := max(g.Clear, h.firstRecord())
		b := h.syslogFrom(from)
		for ; len(b) > int(in.Len); from++ {
			b = b[len(h.appendSyslog(nil, from)):]
		}
		n, err := c.GrantWrite(0, 0, b)
		if n < len(b) {
			return faultOr(err)
		}
		if in.Action == syslogReadClear {
			g.Clear = g.Next
		}
		out.Count = int64(n)
		return uabi.OK
	}
	b := h.syslogFrom(g.Read)[g.Partial:]
	n, err := c.GrantWrite(0, 0, b[:min(len(b), int(in.Len))])
	if n == 0 {
		return faultOr(err)
	}
	out.Count = int64(n)
	for n += int(g.Partial); g.Read < g.Next; g.Read++ {
		size := len(h.appendSyslog(nil, g.Read))
		if n < size {
			break
		}
		n -= size
	}
	g.Partial = uint32(n)
	return uabi.OK
}
