package magnets

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Bounds on a path beside MaxPathBytes.
const (
	maxSegmentBytes = 255 // bytes of one segment, as every common file system has it
	maxSegments     = 64  // segments of one path
)

// checkPath reports why a slash path from a stranger is refused: it must be
// relative and mean the same file under POSIX and Windows rules.
func checkPath(p string) error {
	if p == "" {
		return fmt.Errorf("empty path")
	}
	if len(p) > MaxPathBytes {
		return fmt.Errorf("path of %d bytes, at most %d are allowed", len(p), MaxPathBytes)
	}
	if n := strings.Count(p, "/") + 1; n > maxSegments {
		return fmt.Errorf("path of %d segments, at most %d are allowed", n, maxSegments)
	}
	for seg := range strings.SplitSeq(p, "/") {
		if err := checkSegment(seg); err != nil {
			return fmt.Errorf("path %q: %w", p, err)
		}
	}
	return nil
}

// checkSegment reports why one path segment is refused.
func checkSegment(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("empty segment")
	case s == "." || s == "..":
		return fmt.Errorf("segment %q leads out of its folder or nowhere", s)
	case len(s) > maxSegmentBytes:
		return fmt.Errorf("segment of %d bytes, at most %d are allowed", len(s), maxSegmentBytes)
	case !utf8.ValidString(s):
		return fmt.Errorf("segment %q is not UTF-8", s)
	case strings.HasSuffix(s, ".") || strings.HasSuffix(s, " "):
		return fmt.Errorf("segment %q ends in a dot or a space", s)
	case windowsReserved(s):
		return fmt.Errorf("segment %q is a device name on Windows", s)
	}
	for _, r := range s {
		if unprintable(r) || strings.ContainsRune(`/\<>:"|?*`, r) {
			return fmt.Errorf("segment %q holds %q", s, r)
		}
	}
	return nil
}

// checkName reports why a torrent's name is refused. It is only a label, so
// what merely Windows dislikes may stay.
func checkName(s string) error {
	switch {
	case s == "" || s == "." || s == "..":
		return fmt.Errorf("it names no file or folder")
	case len(s) > maxSegmentBytes:
		return fmt.Errorf("%d bytes, at most %d are allowed", len(s), maxSegmentBytes)
	case !printable(s) || strings.ContainsAny(s, `/\`):
		return fmt.Errorf("it holds a slash, a backslash or what cannot be printed")
	}
	return nil
}

// windowsReserved reports whether Windows takes s for a device, with or
// without an extension.
func windowsReserved(s string) bool {
	base, _, _ := strings.Cut(s, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	if strings.HasPrefix(base, "COM") || strings.HasPrefix(base, "LPT") {
		switch base[3:] {
		case "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³":
			return true
		}
	}
	return false
}

// A pathSet finds paths that some file system would take for one another.
type pathSet struct {
	files map[string]string // folded path → path as it came
	dirs  map[string]string // folded path of a directory → a file in it
	fold  cases.Caser
}

func newPathSet() *pathSet {
	return &pathSet{files: map[string]string{}, dirs: map[string]string{}, fold: cases.Fold()}
}

// add reports whether p collides with a path that was added before, after
// case folding and NFC.
func (s *pathSet) add(p string) error {
	key := norm.NFC.String(s.fold.String(norm.NFC.String(p)))
	if other, ok := s.files[key]; ok {
		why := "case is folded"
		switch {
		case other == p:
			return fmt.Errorf("path %q is there twice", p)
		case norm.NFC.String(other) == norm.NFC.String(p):
			why = "Unicode is normalized"
		}
		return fmt.Errorf("paths %q and %q are one file where %s", other, p, why)
	}
	if other, ok := s.dirs[key]; ok {
		return fmt.Errorf("path %q is a file and, in %q, a directory", p, other)
	}
	s.files[key] = p
	for i := range len(key) {
		if key[i] != '/' {
			continue
		}
		if other, ok := s.files[key[:i]]; ok {
			return fmt.Errorf("path %q is a file and, in %q, a directory", other, p)
		}
		s.dirs[key[:i]] = p
	}
	return nil
}

// printable reports whether s may be shown to a person as it is.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, unprintable)
}

// unprintable reports whether r would move the cursor or turn the text.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}
