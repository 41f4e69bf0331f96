package registry

import (
	"fmt"
	"strings"

	"samara/verify"
)

// A NotFoundError reports that nothing has the name that was asked for.
type NotFoundError struct {
	Kind string // "version", "transfer", "torrent", "blob"
	Name string
}

func (e *NotFoundError) Error() string { return fmt.Sprintf("find %s %s: not found", e.Kind, e.Name) }

// Code returns "not_found".
func (e *NotFoundError) Code() string { return "not_found" }

// Hint says how to see what there is.
func (e *NotFoundError) Hint() string {
	switch e.Kind {
	case "version":
		return `"samara ls" lists what there is`
	case "transfer":
		return `"samara transfers" lists what there is`
	}
	return ""
}

// A TagExistsError reports a tag that points to another version.
type TagExistsError struct {
	Reference Reference
	Got, Want verify.Digest // what it points to, and what it was to point to
}

func (e *TagExistsError) Error() string {
	return fmt.Sprintf("tag %s: points to %s, not to %s", e.Reference, e.Got, e.Want)
}

// Code returns "conflict".
func (e *TagExistsError) Code() string { return "conflict" }

// Hint says how to move the tag.
func (e *TagExistsError) Hint() string { return "choose another name, or move the tag with --move" }

// An AmbiguousError reports the beginning of a name that several things have.
type AmbiguousError struct {
	Kind  string
	Name  string
	Among []string // at most a few of them
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("find %s %s: several begin so: %s", e.Kind, e.Name, strings.Join(e.Among, ", "))
}

// Code returns "conflict".
func (e *AmbiguousError) Code() string { return "conflict" }

// Hint says what to do next.
func (e *AmbiguousError) Hint() string { return "give more digits" }

// A MissingBlobError reports a version one of whose blobs is not in the store.
type MissingBlobError struct {
	Path   string
	Digest verify.Digest
	Cause  error
}

func (e *MissingBlobError) Error() string {
	return fmt.Sprintf("add version: file %s: %v", e.Path, e.Cause)
}

// Unwrap returns what the blob store says.
func (e *MissingBlobError) Unwrap() error { return e.Cause }

// Code returns "internal": whoever adds a version commits its blobs first.
func (e *MissingBlobError) Code() string { return "internal" }

// A LockedError reports a folder that another process holds.
type LockedError struct {
	Dir    string
	PID    int    // 0 where the holder does not say
	Socket string // of its API; empty where it does not say
}

func (e *LockedError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	if e.Socket != "" {
		who += " (socket " + e.Socket + ")"
	}
	return fmt.Sprintf("open %s: %s holds it", e.Dir, who)
}

// Code returns "locked".
func (e *LockedError) Code() string { return "locked" }

// Hint says what to do next.
func (e *LockedError) Hint() string {
	return "stop that process, or choose another folder with --data"
}

// A FormatError reports a data folder that this program cannot read.
type FormatError struct {
	Dir   string
	Cause string
	next  string // the hint
}

func (e *FormatError) Error() string { return fmt.Sprintf("open %s: %s", e.Dir, e.Cause) }

// Code returns "unsupported_format".
func (e *FormatError) Code() string { return "unsupported_format" }

// Hint says what to do next.
func (e *FormatError) Hint() string { return e.next }

// A TooLargeError reports a record that is larger than the index takes.
type TooLargeError struct {
	What      string
	Got, Want int // bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("store %s: %d bytes, want at most %d", e.What, e.Got, e.Want)
}

// Code returns "too_large".
func (e *TooLargeError) Code() string { return "too_large" }

// A ChecksumError reports an immutable file whose bytes changed.
type ChecksumError struct {
	Path      string
	Got, Want string
}

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("read %s: got %s, want %s", e.Path, e.Got, e.Want)
}

// Code returns "verification_failed".
func (e *ChecksumError) Code() string { return "verification_failed" }

// Hint says what to do next.
func (e *ChecksumError) Hint() string {
	return `restore the file from a backup, or drop the model with "samara rm" and add it again`
}

// A LimitError reports a list that is longer than the index takes.
type LimitError struct {
	What      string
	Got, Want int // elements
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("store %s: %d, want at most %d", e.What, e.Got, e.Want)
}

// Code returns "too_large".
func (e *LimitError) Code() string { return "too_large" }
