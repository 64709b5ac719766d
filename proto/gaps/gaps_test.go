package gaps

import (
	"strconv"
	"testing"
)

func TestCountsOutliveTheTablesOwner(t *testing.T) {
	b := make([]byte, TableSize)
	one := Open(b)
	if !one.Count("futex", "pi") || one.Count("futex", "pi") || !one.Count("futex", "other") {
		t.Error("what is first is wrong")
	}
	two := Open(b)
	if two.Count("futex", "pi") {
		t.Error("a known gap is first again")
	}
	got := List(b)
	if len(got) != 2 || got[0] != (Gap{"futex", "pi", 3}) || got[1] != (Gap{"futex", "other", 1}) {
		t.Errorf("got %+v", got)
	}
}

func TestAFullTableLosesNoCount(t *testing.T) {
	b := make([]byte, TableSize)
	g := Open(b)
	for i := range TableSize/RecordSize + 10 {
		g.Count("call"+strconv.Itoa(i), "a what that is longer than the room there is for it")
	}
	sum := uint64(0)
	for _, x := range List(b) {
		sum += x.Count
	}
	if sum != TableSize/RecordSize+10 {
		t.Errorf("sum %d", sum)
	}
}
