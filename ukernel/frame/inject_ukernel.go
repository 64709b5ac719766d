//go:build ukernel

package frame

func injected() bool   { return false }
func injectFail() bool { return false }
