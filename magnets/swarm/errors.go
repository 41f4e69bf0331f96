package swarm

import (
	"errors"
	"fmt"
	"syscall"
)

// A DiskFullError pauses a transfer whose bytes find no room.
type DiskFullError struct {
	Path string // the file that was written
	Err  error
}

// Error returns the operation, the object and the cause.
func (e *DiskFullError) Error() string { return fmt.Sprintf("write %s: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *DiskFullError) Unwrap() error { return e.Err }

// Code returns the error's row in the table of errors.
func (e *DiskFullError) Code() string { return "disk_full" }

// Hint says what to do next.
func (e *DiskFullError) Hint() string { return "free some space, then resume the transfer" }

// writeError tells a full disk from other failures to write path.
func writeError(path string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &DiskFullError{Path: path, Err: err}
	}
	return fmt.Errorf("write %s: %w", path, err)
}

// An ExistsError reports a torrent that the swarm has already.
type ExistsError struct {
	InfoHash string
}

// Error returns the operation and the object.
func (e *ExistsError) Error() string {
	return fmt.Sprintf("add torrent %s: it is in the swarm already", e.InfoHash)
}

// Code returns the error's row in the table of errors.
func (e *ExistsError) Code() string { return "conflict" }

// A ListenError reports an address that the swarm cannot listen on.
type ListenError struct {
	Addr string
	Err  error
}

// Error returns the operation, the object and the cause.
func (e *ListenError) Error() string {
	err := e.Err
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno // what wraps it repeats the address
	}
	return fmt.Sprintf("listen for peers on %s: %v", e.Addr, err)
}

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Err }

// Code returns the error's row in the table of errors.
func (e *ListenError) Code() string {
	if errors.Is(e.Err, syscall.EADDRINUSE) {
		return "address_in_use"
	}
	return "invalid_request"
}

// Hint says what to do next.
func (e *ListenError) Hint() string {
	if e.Code() == "address_in_use" {
		return "another program has the port; choose one with --swarm HOST:PORT, or port 0 for any free one"
	}
	return "choose another address with --swarm HOST:PORT"
}

// A RefusedError reports an address that the guard does not let through.
type RefusedError struct {
	Addr   string
	Reason string
}

// Error returns the operation, the object and the cause.
func (e *RefusedError) Error() string { return fmt.Sprintf("dial %s: %s", e.Addr, e.Reason) }

// Code returns the error's row in the table of errors.
func (e *RefusedError) Code() string { return "forbidden" }

// ErrClosed is what calls on a closed swarm or a dropped torrent return.
var ErrClosed = errors.New("the torrent was dropped")
