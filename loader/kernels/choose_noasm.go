//go:build !amd64 || purego

package kernels

func choose() *ops { return &generic }

// forms lists what this CPU can run, for tests.
func forms() []*ops { return []*ops{&generic} }
