//go:build !linux

package weights

func adviseHuge([]byte) {}

func hugeMapped([]byte) bool { return false }
