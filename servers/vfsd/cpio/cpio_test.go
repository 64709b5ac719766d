package cpio

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	ucpio "github.com/u-root/u-root/pkg/cpio"
	"pgregory.net/rapid"
)

// write makes an archive with another writer.
func write(recs ...ucpio.Record) []byte {
	var b bytes.Buffer
	w := ucpio.Newc.Writer(&b)
	for _, r := range recs {
		if err := w.WriteRecord(r); err != nil {
			panic(err)
		}
	}
	if err := ucpio.WriteTrailer(w); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func index(b []byte) (out []Entry, err error) {
	err = Index(bytes.NewReader(b), uint64(len(b)), func(e Entry) error {
		out = append(out, e)
		return nil
	})
	return out, err
}

func TestEveryMemberIsFoundWhereItsContentsAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var recs []ucpio.Record
		var want []string
		for i := range rapid.IntRange(1, 20).Draw(t, "files") {
			name := fmt.Sprintf("%d%s", i, strings.Repeat("n", rapid.IntRange(0, 600).Draw(t, "name")))
			content := rapid.StringN(0, 3000, -1).Draw(t, "content")
			r := ucpio.StaticFile(name, content, 0o644)
			r.Name += strings.Repeat("\x00", rapid.IntRange(0, 4096).Draw(t, "pad"))
			recs = append(recs, r)
			want = append(want, name+"="+content)
		}
		b := write(recs...)
		got, err := index(b)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d of %d members: %v", len(got), len(want), err)
		}
		for i, e := range got {
			if s := e.Name + "=" + string(b[e.Off:e.Off+e.Size]); s != want[i] {
				t.Fatalf("member %d is %.40q, want %.40q", i, s, want[i])
			}
		}
	})
}

func TestDamageIsNamed(t *testing.T) {
	good := write(ucpio.StaticFile("file", strings.Repeat("x", 500), 0o644), ucpio.Symlink("link", "file"))
	if got, err := index(good); err != nil || len(got) != 2 || got[1].Target != "file" {
		t.Fatalf("the good archive: %v %v", got, err)
	}
	bad := bytes.Clone(good)
	bad[20] = 'z'
	for name, b := range map[string][]byte{
		"empty": nil, "zeroes": make([]byte, 4096), "text": []byte(strings.Repeat("no archive ", 20)), "cut": good[:300],
		"without trailer": good[:len(good)-124], "a bad digit": bad, "gzip": append([]byte{0x1f, 0x8b}, make([]byte, 200)...),
	} {
		if _, err := index(b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestNoPrefixOfAnArchivePassesForAWholeOne(t *testing.T) {
	good := write(ucpio.StaticFile("a", "content", 0o644))
	end := bytes.Index(good, []byte(trailer))
	for n := range end {
		if got, err := index(good[:n]); err == nil {
			t.Fatalf("%d of %d bytes: %v", n, len(good), got)
		}
	}
}
