package verify

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Bounds on the names of a version's files.
const (
	MaxFiles       = 10000 // files in one version
	MaxPathBytes   = 1024  // bytes in one path
	MaxSegmentSize = 255   // bytes in one segment of a path
)

// windowsDevices are names that Windows opens as devices, whatever suffix
// follows their first dot.
var windowsDevices = map[string]bool{
	"con": true, "prn": true, "aux": true, "nul": true, "conin$": true, "conout$": true, "clock$": true,
}

// CheckPath says whether p may name a file of a version: a relative
// slash-separated path in UTF-8 that POSIX and Windows both take as it is, of at
// most MaxPathBytes bytes.
// It returns a *PathError that names the rule p breaks.
func CheckPath(p string) error {
	switch {
	case p == "":
		return &PathError{p, "empty"}
	case len(p) > MaxPathBytes:
		return &PathError{p, fmt.Sprintf("%d bytes, want at most %d", len(p), MaxPathBytes)}
	case !utf8.ValidString(p):
		return &PathError{p, "not UTF-8"}
	case p[0] == '/':
		return &PathError{p, "absolute"}
	}
	for _, r := range p {
		if cause := badRune(r); cause != "" {
			return &PathError{p, cause}
		}
	}
	for seg := range strings.SplitSeq(p, "/") {
		if cause := badSegment(seg); cause != "" {
			return &PathError{p, cause}
		}
	}
	return nil
}

func badRune(r rune) string {
	switch {
	case r == '\\':
		return "backslash"
	case unicode.IsControl(r), r == '\u2028', r == '\u2029':
		return fmt.Sprintf("control character %U", r)
	case unicode.Is(unicode.Bidi_Control, r):
		return fmt.Sprintf("text direction character %U", r)
	case strings.ContainsRune(`<>:"|?*`, r):
		return fmt.Sprintf("character %q, which Windows refuses", r)
	}
	return ""
}

func badSegment(seg string) string {
	switch {
	case seg == "":
		return "empty segment"
	case seg == ".", seg == "..":
		return fmt.Sprintf("segment %q", seg)
	case len(seg) > MaxSegmentSize:
		return fmt.Sprintf("segment of %d bytes, want at most %d", len(seg), MaxSegmentSize)
	case strings.HasSuffix(seg, "."), strings.HasSuffix(seg, " "):
		return fmt.Sprintf("segment %s ends in a dot or a space", quote(seg))
	case isWindowsDevice(seg):
		return fmt.Sprintf("segment %s is a Windows device", quote(seg))
	}
	return ""
}

// isWindowsDevice reports whether Windows opens a device when seg is opened.
func isWindowsDevice(seg string) bool {
	stem, _, _ := strings.Cut(seg, ".")
	stem = strings.ToLower(strings.TrimRight(stem, " "))
	if windowsDevices[stem] {
		return true
	}
	for _, dev := range []string{"com", "lpt"} {
		if n, ok := strings.CutPrefix(stem, dev); ok && strings.Contains("0123456789¹²³", n) && utf8.RuneCountInString(n) == 1 {
			return true
		}
	}
	return false
}

// CheckPaths says whether paths may be the files of one version: each passes
// CheckPath, there are at most MaxFiles, no two are the same after case folding
// and Unicode normalisation (NFC), and none is also a directory of another.
// It returns a *PathError that names the first path that breaks a rule.
func CheckPaths(paths []string) error {
	if len(paths) > MaxFiles {
		return &PathError{paths[MaxFiles], fmt.Sprintf("%d files, want at most %d", len(paths), MaxFiles)}
	}
	fold := cases.Fold()
	files := make(map[string]string, len(paths))
	keys := make([]string, len(paths))
	for i, p := range paths {
		if err := CheckPath(p); err != nil {
			return err
		}
		key := norm.NFC.String(fold.String(norm.NFC.String(p)))
		if twin, ok := files[key]; ok {
			return &PathError{p, "same name as " + quote(twin) + " where case or Unicode form do not count"}
		}
		files[key], keys[i] = p, key
	}
	for i, key := range keys {
		for at := strings.IndexByte(key, '/'); at >= 0; {
			if file, ok := files[key[:at]]; ok {
				return &PathError{paths[i], quote(file) + " is a file, not a directory"}
			}
			next := strings.IndexByte(key[at+1:], '/')
			if next < 0 {
				break
			}
			at += 1 + next
		}
	}
	return nil
}
