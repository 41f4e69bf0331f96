package registry

import (
	"fmt"
	"regexp"
	"strings"

	"samara/verify"
)

// DefaultTag is the tag of a reference that names none.
const DefaultTag = "main"

// Bounds of the reference grammar.
const (
	MaxSegment      = 96  // characters in a namespace or name
	MaxTag          = 128 // characters in a tag
	MinDigestPrefix = 6   // hexadecimal digits after "@blake3:"
)

var (
	segmentRE = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$`)
	tagRE     = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)
	prefixRE  = regexp.MustCompile(`^[0-9a-f]*$`)
)

// reserved segments are the first or last part of a route, or would read as
// something else.
var reserved = map[string]bool{
	"v1": true, "v2": true, "api": true, "samara": true, "assets": true,
	"metrics": true, "healthz": true, "readyz": true, "openapi.json": true,
	"models": true, "datasets": true, "spaces": true,
	"resolve": true, "raw": true, "tree": true, "manifests": true, "blobs": true,
	"blake3": true, "sha256": true,
}

// weightSuffixes end file names: such a name would read as a path.
var weightSuffixes = []string{".gguf", ".safetensors", ".pth", ".pt", ".torrent"}

// Reference names a version: by repository and tag, by repository and digest, or
// by digest alone. Make one with ParseReference or by setting fields that passed
// it. References are comparable as Go values, but two that differ only in the
// case of namespace or name are the same reference: compare Key.
type Reference struct {
	Namespace    string        // empty for a single segment
	Name         string        // empty for a digest alone
	Tag          string        // empty where a digest is given
	Digest       verify.Digest // zero where a tag or part of a digest is given
	DigestPrefix string        // lower-case hexadecimal digits of a shortened digest
}

// A ReferenceError reports text that is no reference.
type ReferenceError struct {
	Text  string
	Cause string
}

func (e *ReferenceError) Error() string {
	text := e.Text
	if len(text) > MaxSegment*2+MaxTag {
		text = text[:MaxSegment*2+MaxTag] + "…"
	}
	return fmt.Sprintf("parse reference %q: %s", text, e.Cause)
}

// Code returns "invalid_request".
func (e *ReferenceError) Code() string { return "invalid_request" }

// Hint says what a reference looks like.
func (e *ReferenceError) Hint() string {
	return "a reference is namespace/name, namespace/name:tag or namespace/name@blake3:digest"
}

// ParseReference reads
//
//	[namespace/]name[:tag]
//	[namespace/]name@blake3:digits
//	blake3:digits
//
// A namespace or name is up to MaxSegment letters, digits and . _ -, begins and
// ends with a letter or digit, and holds no ".."; some words are reserved. A tag
// is up to MaxTag of the same characters and begins with a letter, digit or "_";
// DefaultTag stands in for none. Digits are the first MinDigestPrefix or more of
// a digest. It returns a *ReferenceError.
func ParseReference(s string) (Reference, error) {
	fail := func(format string, args ...any) (Reference, error) {
		return Reference{}, &ReferenceError{s, fmt.Sprintf(format, args...)}
	}
	if digits, ok := strings.CutPrefix(s, "blake3:"); ok {
		return withDigest(Reference{}, s, digits)
	}
	repo, digest, hasDigest := strings.Cut(s, "@")
	repo, tag, hasTag := strings.Cut(repo, ":")
	if hasDigest && hasTag {
		return fail("both a tag and a digest")
	}
	r := Reference{Name: repo}
	if namespace, name, ok := strings.Cut(repo, "/"); ok {
		r.Namespace, r.Name = namespace, name
		if cause := checkSegment(namespace); cause != "" {
			return fail("namespace: %s", cause)
		}
	}
	if cause := checkSegment(r.Name); cause != "" {
		return fail("name: %s", cause)
	}
	if hasDigest {
		digits, ok := strings.CutPrefix(digest, "blake3:")
		if !ok {
			return fail(`got %.16q after "@", want "blake3:" and digits`, digest)
		}
		return withDigest(r, s, digits)
	}
	r.Tag = DefaultTag
	if hasTag {
		r.Tag = tag
	}
	if len(r.Tag) > MaxTag || !tagRE.MatchString(r.Tag) {
		return fail("tag: want 1 to %d letters, digits and . _ -, not beginning with . or -", MaxTag)
	}
	return r, nil
}

func withDigest(r Reference, s, digits string) (Reference, error) {
	digits = strings.ToLower(digits)
	if len(digits) < MinDigestPrefix || len(digits) > 2*verify.DigestSize || !prefixRE.MatchString(digits) {
		return Reference{}, &ReferenceError{s, fmt.Sprintf("digest: want %d to %d hexadecimal digits", MinDigestPrefix, 2*verify.DigestSize)}
	}
	if len(digits) < 2*verify.DigestSize {
		r.DigestPrefix = digits
		return r, nil
	}
	d, err := verify.ParseDigest(digits)
	if err != nil {
		return Reference{}, &ReferenceError{s, err.Error()}
	}
	if d.IsZero() {
		return Reference{}, &ReferenceError{s, "digest: all zero"}
	}
	r.Digest = d
	return r, nil
}

func checkSegment(seg string) string {
	lower := strings.ToLower(seg)
	switch {
	case seg == "":
		return "empty"
	case len(seg) > MaxSegment:
		return fmt.Sprintf("%d characters, want at most %d", len(seg), MaxSegment)
	case !segmentRE.MatchString(seg):
		return "want letters, digits and . _ -, a letter or digit first and last"
	case strings.Contains(seg, ".."):
		return `holds ".."`
	case reserved[lower]:
		return fmt.Sprintf("%q is reserved", lower)
	}
	for _, suffix := range weightSuffixes {
		if strings.HasSuffix(lower, suffix) {
			return fmt.Sprintf("ends in %q like a file", suffix)
		}
	}
	if err := verify.CheckPath(seg); err != nil {
		return "a name that Windows takes for a device"
	}
	return ""
}

// Repo returns "namespace/name", "name" for a single segment, or "" for a digest
// alone.
func (r Reference) Repo() string {
	if r.Namespace == "" {
		return r.Name
	}
	return r.Namespace + "/" + r.Name
}

// IsDigest reports whether r names a version by its digest or part of it.
func (r Reference) IsDigest() bool { return r.DigestPrefix != "" || !r.Digest.IsZero() }

// IsZero reports whether r names nothing.
func (r Reference) IsZero() bool { return r == Reference{} }

// String returns what ParseReference reads, with the tag always written:
// "ns/name:main", "ns/name@blake3:…" or "blake3:…". The zero Reference gives "".
func (r Reference) String() string {
	repo := r.Repo()
	at := "@"
	if repo == "" {
		at = ""
	}
	switch {
	case !r.Digest.IsZero():
		return repo + at + r.Digest.String()
	case r.DigestPrefix != "":
		return repo + at + "blake3:" + r.DigestPrefix
	case repo == "":
		return ""
	case r.Tag == "":
		return repo + ":" + DefaultTag
	}
	return repo + ":" + r.Tag
}

// Key returns String with namespace and name in lower case, the form in which
// references are compared and which OCI demands.
func (r Reference) Key() string {
	r.Namespace, r.Name = strings.ToLower(r.Namespace), strings.ToLower(r.Name)
	return r.String()
}

// MarshalText returns the bytes of String.
func (r Reference) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what String returns, "" included.
func (r *Reference) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*r = Reference{}
		return nil
	}
	p, err := ParseReference(string(b))
	if err != nil {
		return err
	}
	*r = p
	return nil
}
