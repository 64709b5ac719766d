package main

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

func (c *client) setXattr(in *vfs.XattrRequest, want uabi.Error) {
	c.want("set "+in.Name, c.vfs.XattrSet(c.t, in, &vfs.EmptyReply{}), want)
}

func (c *client) xattr(path, name, want string, wantErr uabi.Error) {
	var out vfs.XattrReply
	c.want("get "+name, c.vfs.XattrGet(c.t, &vfs.XattrRequest{Path: path, Name: name}, &out), wantErr)
	if wantErr == uabi.OK && string(out.Value) != want {
		c.w.Fail("%s of %s is %q, want %q", name, path, out.Value, want)
	}
}

func TestAttributesAreKeptAtEveryCrash(t *testing.T) {
	sweep(t, someFiles, 2, func(w *world) {
		w.stub.effective = 1 << capSysAdmin
		w.client(func(c *client) {
			set := func(path, name, value string) *vfs.XattrRequest {
				return &vfs.XattrRequest{Path: path, Name: name, Value: []byte(value)}
			}
			c.xattr("/aligned", "user.a", "", uabi.ErrNoData)
			c.setXattr(set("/aligned", "user.b", "2"), uabi.OK)
			c.setXattr(set("/aligned", "user.a", "1"), uabi.OK)
			c.setXattr(set("/aligned", "trusted.t", "3"), uabi.OK)
			c.setXattr(set("/aligned", "security.s", "4"), uabi.OK)
			c.setXattr(set("/aligned", "user.b", "second"), uabi.OK)
			c.xattr("/aligned", "user.b", "second", uabi.OK)
			c.xattr("/aligned", "", "security.s\x00trusted.t\x00user.a\x00user.b\x00", uabi.OK)
			c.setXattr(&vfs.XattrRequest{Path: "/aligned", Name: "user.a", Mode: unix.XATTR_CREATE}, uabi.ErrExists)
			c.setXattr(&vfs.XattrRequest{Path: "/aligned", Name: "user.c", Mode: unix.XATTR_REPLACE}, uabi.ErrNoData)
			c.setXattr(&vfs.XattrRequest{Path: "/aligned", Name: "user.c", Mode: 8}, uabi.ErrArg)
			c.setXattr(&vfs.XattrRequest{Path: "/aligned", Name: "user.a", Remove: true}, uabi.OK)
			c.setXattr(&vfs.XattrRequest{Path: "/aligned", Name: "user.a", Remove: true}, uabi.ErrNoData)
			c.setXattr(set("/aligned", "user.", "x"), uabi.ErrArg)
			c.setXattr(set("/aligned", "system.posix_acl_access", "x"), uabi.ErrOperation)
			c.setXattr(set("/aligned", "other", "x"), uabi.ErrOperation)
			c.setXattr(set("/dev/null", "user.a", "x"), uabi.ErrPerm)
			c.xattr("/dev/null", "user.a", "", uabi.ErrNoData)
			c.setXattr(set("/proc/1/status", "user.a", "x"), uabi.ErrOperation)
			c.setXattr(set("/nope", "user.a", "x"), uabi.ErrNotFound)
			c.xattr("/proc/1/status", "user.a", "", uabi.ErrOperation)
			c.xattr("/aligned", "user.", "", uabi.ErrArg)
			c.setXattr(set("/sys/kernel", "trusted.a", "x"), uabi.ErrReadOnly)
			full := set("/aligned", "user.big", strings.Repeat("v", 40000))
			c.setXattr(full, uabi.OK)
			c.setXattr(set("/aligned", "user.more", full.Name+string(full.Value)), uabi.ErrNoSpace)
			c.setXattr(&vfs.XattrRequest{Path: "/aligned", Name: "user.big", Remove: true}, uabi.OK)
			for path, want := range map[string]uabi.Error{
				"/nope": uabi.ErrNotFound, "/loop": uabi.ErrLoop, "/aligned/x": uabi.ErrNotDir, "/" + strings.Repeat("n", 256): uabi.ErrName,
			} {
				c.xattr(path, "user.a", "", want)
				c.setXattr(set(path, "user.a", "x"), want)
			}
			p := c.open("/aligned", unix.O_PATH, 0, uabi.OK)
			req := &vfs.XattrRequest{Name: "user.b", Flags: atEmptyPath, Dir: uint32(p.H)}
			c.want("get", c.vfs.XattrGet(c.t, req, &vfs.XattrReply{}), uabi.ErrBadFD)
			c.setXattr(req, uabi.ErrBadFD)
			w.stub.effective = 0
			c.xattr("/aligned", "trusted.t", "", uabi.ErrNoData)
			c.setXattr(set("/aligned", "security.s", "x"), uabi.ErrPerm)
			c.xattr("/aligned", "", "security.s\x00user.b\x00", uabi.OK)
		})
	})
}
