//go:build unix

package cli

import "syscall"

// ownGroup keeps the terminal's interrupts from a child: its parent stops it.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
