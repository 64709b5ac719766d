package main

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"aramid/proto/net"
	"aramid/servers/netd/bpf"
	"aramid/servers/netd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

var le = binary.LittleEndian

func number(v uint32) []byte { return le.AppendUint32(nil, v) }

func truth(b bool) []byte {
	if b {
		return number(1)
	}
	return number(0)
}

// Numbers of options that golang.org/x/sys names otherwise or not (asm-generic/socket.h).
const (
	soRcvtimeoNew = 66
	soSndtimeoNew = 67
	soSndlowat    = 19
	soNoCheck     = 11
	soLockFilter  = 44
)

// switches are the options that are on or off, kept in Socket.Options.
const switches = 1<<unix.SO_REUSEADDR | 1<<unix.SO_KEEPALIVE | 1<<unix.SO_BROADCAST | 1<<unix.SO_OOBINLINE | 1<<unix.SO_DONTROUTE |
	1<<unix.SO_PASSCRED | 1<<unix.SO_PASSSEC | 1<<unix.SO_TIMESTAMP | 1<<unix.SO_TIMESTAMPNS | 1<<unix.SO_REUSEPORT | 1<<unix.SO_DEBUG |
	1<<soNoCheck

// GetOption implements net.Handler.
func (h *Netd) GetOption(c *server.Ctx, in *net.OptionRequest, out *net.OptionReply) uabi.Error {
	s, err := h.socket(c)
	if err != uabi.OK {
		return err
	}
	if in.Level != unix.SOL_SOCKET {
		if s.Domain == unix.AF_UNIX {
			return uabi.ErrOperation
		}
		return netlinkOption(s, in, out)
	}
	out.Value, err = h.option(c, s, in.Name)
	return err
}

func (h *Netd) option(c *server.Ctx, s *state.Socket, name uint32) ([]byte, uabi.Error) {
	if name < 64 && switches>>name&1 != 0 {
		return number(uint32(s.Options >> name & 1)), uabi.OK
	}
	switch name {
	case unix.SO_TYPE:
		return number(s.Type), uabi.OK
	case unix.SO_DOMAIN:
		return number(s.Domain), uabi.OK
	case unix.SO_PROTOCOL:
		return number(s.Protocol), uabi.OK
	case unix.SO_ACCEPTCONN:
		return truth(s.Status == state.Status_LISTENING), uabi.OK
	case unix.SO_SNDBUF:
		return number(s.Sndbuf), uabi.OK
	case unix.SO_RCVBUF:
		return number(s.Rcvbuf), uabi.OK
	case unix.SO_RCVLOWAT:
		return number(s.Rcvlowat), uabi.OK
	case soSndlowat:
		return number(1), uabi.OK
	case unix.SO_PRIORITY:
		return number(uint32(s.Priority)), uabi.OK
	case unix.SO_LINGER:
		if s.Linger == 0 {
			return make([]byte, 8), uabi.OK
		}
		return le.AppendUint32(number(1), s.Linger-1), uabi.OK
	case unix.SO_RCVTIMEO, soRcvtimeoNew:
		return timeval(s.RecvNs), uabi.OK
	case unix.SO_SNDTIMEO, soSndtimeoNew:
		return timeval(s.SendNs), uabi.OK
	case unix.SO_PEERCRED:
		p := s.PeerCreds
		if p == nil {
			return le.AppendUint64(number(0), ^uint64(0)), uabi.OK
		}
		return le.AppendUint32(le.AppendUint32(number(uint32(p.Pid)), p.Uid), p.Gid), uabi.OK
	case unix.SO_PEERGROUPS:
		if s.PeerCreds == nil {
			return nil, uabi.ErrNoData
		}
		b := []byte{}
		for _, g := range s.PeerGroups {
			b = le.AppendUint32(b, g)
		}
		return b, uabi.OK
	case unix.SO_COOKIE:
		return le.AppendUint64(nil, s.Id), uabi.OK
	case soLockFilter:
		return truth(s.FilterLocked), uabi.OK
	}
	return nil, uabi.ErrNoOption
}

const second = 1_000_000_000

func timeval(ns uint64) []byte {
	return le.AppendUint64(le.AppendUint64(nil, ns/second), ns%second/1000)
}

// SetOption implements net.Handler.
func (h *Netd) SetOption(c *server.Ctx, in *net.OptionRequest, out *net.EmptyReply) uabi.Error {
	s, err := h.socket(c)
	if err != uabi.OK {
		return err
	}
	if in.Level != unix.SOL_SOCKET {
		if s.Domain == unix.AF_UNIX {
			return uabi.ErrOperation
		}
		return h.setNetlinkOption(c, s, in)
	}
	switch in.Name {
	case unix.SO_ATTACH_FILTER:
		return attach(s, in.Value)
	case unix.SO_DETACH_FILTER:
		switch {
		case s.FilterLocked:
			return uabi.ErrPerm
		case len(s.Filter) == 0:
			return uabi.ErrNotFound
		}
		s.Filter = nil
		return uabi.OK
	}
	if len(in.Value) < 4 {
		return uabi.ErrArg
	}
	return h.setOption(c, s, in.Name, in.Value)
}

func attach(s *state.Socket, program []byte) uabi.Error {
	if s.FilterLocked {
		return uabi.ErrPerm
	}
	if !bpf.Valid(program) {
		return uabi.ErrArg
	}
	s.Filter = bytes.Clone(program)
	return uabi.OK
}

func (h *Netd) setOption(c *server.Ctx, s *state.Socket, name uint32, value []byte) uabi.Error {
	v := le.Uint32(value)
	if name < 64 && switches>>name&1 != 0 {
		return h.setSwitch(c, s, name, v != 0)
	}
	switch name {
	case unix.SO_SNDBUF, unix.SO_SNDBUFFORCE, unix.SO_RCVBUF, unix.SO_RCVBUFFORCE:
		return h.setBuffer(c, s, name, v)
	case unix.SO_RCVTIMEO, soRcvtimeoNew:
		return setTime(&s.RecvNs, value)
	case unix.SO_SNDTIMEO, soSndtimeoNew:
		return setTime(&s.SendNs, value)
	case unix.SO_RCVLOWAT:
		s.Rcvlowat = max(v, 1)
	case unix.SO_PRIORITY:
		if v > 6 && !h.caller(c).can(unix.CAP_NET_ADMIN) {
			return uabi.ErrPerm
		}
		s.Priority = int32(v)
	case unix.SO_LINGER:
		if len(value) < 8 {
			return uabi.ErrArg
		}
		s.Linger = 0
		if v != 0 {
			s.Linger = le.Uint32(value[4:]) + 1
		}
	case soLockFilter:
		if s.FilterLocked && v == 0 {
			return uabi.ErrPerm
		}
		s.FilterLocked = v != 0
	default:
		return uabi.ErrNoOption
	}
	return uabi.OK
}

func (h *Netd) setSwitch(c *server.Ctx, s *state.Socket, name uint32, on bool) uabi.Error {
	if name == unix.SO_DEBUG && on && !h.caller(c).can(unix.CAP_NET_ADMIN) {
		return uabi.ErrAccess
	}
	s.Options &^= 1 << name
	if !on {
		return uabi.OK
	}
	if name == unix.SO_TIMESTAMP || name == unix.SO_TIMESTAMPNS {
		s.Options &^= 1<<unix.SO_TIMESTAMP | 1<<unix.SO_TIMESTAMPNS
	}
	s.Options |= 1 << name
	return uabi.OK
}

// setBuffer is SO_SNDBUF and its like: Linux keeps twice what is asked for.
func (h *Netd) setBuffer(c *server.Ctx, s *state.Socket, name, v uint32) uabi.Error {
	if name == unix.SO_SNDBUFFORCE || name == unix.SO_RCVBUFFORCE {
		if !h.caller(c).can(unix.CAP_NET_ADMIN) {
			return uabi.ErrPerm
		}
		v = min(v, 1<<30-1)
	} else {
		v = min(v, maxBuf)
	}
	if name == unix.SO_RCVBUF || name == unix.SO_RCVBUFFORCE {
		s.Rcvbuf = max(2*v, minRcvbuf)
	} else {
		s.Sndbuf = max(2*v, minSndbuf)
	}
	h.level(c, s, 0)
	return uabi.OK
}

// setTime reads a struct timeval. A negative one means no waiting at all, which is the shortest time that there is.
func setTime(ns *uint64, value []byte) uabi.Error {
	if len(value) < 16 {
		return uabi.ErrArg
	}
	sec, usec := int64(le.Uint64(value)), int64(le.Uint64(value[8:]))
	if usec < 0 || usec >= 1_000_000 {
		return uabi.ErrRange // EDOM
	}
	switch {
	case sec < 0:
		*ns = 1
	case sec >= 1<<33:
		*ns = 0
	default:
		*ns = uint64(sec)*second + uint64(usec)*1000
	}
	return uabi.OK
}
