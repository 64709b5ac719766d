//go:build !ukernel

package frame

// FailIn makes an allocation fail in host tests: 1 is the next one, 0 none. Each allocation counts it down.
var FailIn int

func injected() bool { return FailIn > 0 }

// injectFail counts one allocation and reports whether it must fail.
func injectFail() bool {
	if FailIn > 0 {
		FailIn--
		return FailIn == 0
	}
	return false
}
