package verify

import "fmt"

// Codes that the errors of this package carry.
const (
	codeInvalid = "invalid_request"
	codeFailed  = "verification_failed"
)

// maxQuoted bounds how much of a stranger's text an error repeats.
const maxQuoted = 128

// A MismatchError reports bytes that are not the bytes their digest names.
type MismatchError struct {
	File      string // manifest path, slash-separated; empty where the caller knows it
	Off, Size int64  // bytes, from the start of File
	Got, Want Digest
}

func (e *MismatchError) Error() string {
	name := ""
	if e.File != "" {
		name = " " + e.File
	}
	return fmt.Sprintf("verify%s: bytes %d-%d: got %s, want %s", name, e.Off, e.Off+e.Size, e.Got, e.Want)
}

// Code returns "verification_failed".
func (e *MismatchError) Code() string { return codeFailed }

// A SizeError reports a stream or file that is not as long as it should be.
type SizeError struct {
	File      string // manifest path; empty where the caller knows it
	Got, Want int64  // bytes; where the stream is too long Got is a lower bound
}

func (e *SizeError) Error() string {
	name := ""
	if e.File != "" {
		name = " " + e.File
	}
	if e.Got > e.Want {
		return fmt.Sprintf("verify%s: got more than %d bytes, want %d", name, e.Want, e.Want)
	}
	return fmt.Sprintf("verify%s: got %d bytes, want %d", name, e.Got, e.Want)
}

// Code returns "verification_failed".
func (e *SizeError) Code() string { return codeFailed }

// A DigestError reports text that is not a digest.
type DigestError struct {
	Text  string
	Cause string
}

func (e *DigestError) Error() string {
	return fmt.Sprintf("parse digest %s: %s", quote(e.Text), e.Cause)
}

// Code returns "invalid_request".
func (e *DigestError) Code() string { return codeInvalid }

// Hint says what a digest looks like.
func (e *DigestError) Hint() string {
	return `a digest is "blake3:" and the 64 digits that b3sum prints`
}

// A PathError reports a file name that no manifest may hold.
type PathError struct {
	Path  string
	Cause string
}

func (e *PathError) Error() string { return fmt.Sprintf("check path %s: %s", quote(e.Path), e.Cause) }

// Code returns "invalid_request".
func (e *PathError) Code() string { return codeInvalid }

// A ManifestError reports bytes or a list of files that form no manifest.
type ManifestError struct {
	Line  int // from 1; 0 where the cause is no single line
	Cause string
}

func (e *ManifestError) Error() string {
	if e.Line == 0 {
		return "read manifest: " + e.Cause
	}
	return fmt.Sprintf("read manifest: line %d: %s", e.Line, e.Cause)
}

// Code returns "invalid_request".
func (e *ManifestError) Code() string { return codeInvalid }

// A TreeError reports bytes that are no marshalled tree, or a tree that lacks
// groups.
type TreeError struct {
	Cause string
}

func (e *TreeError) Error() string { return "read tree: " + e.Cause }

// Code returns "verification_failed".
func (e *TreeError) Code() string { return codeFailed }

func quote(s string) string {
	if len(s) > maxQuoted {
		return fmt.Sprintf("%q…", s[:maxQuoted])
	}
	return fmt.Sprintf("%q", s)
}
