package verify

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// manifestHeader is the first line of a manifest's canonical bytes.
const manifestHeader = "samara manifest 1"

// MaxManifestBytes bounds the canonical bytes of a manifest: MaxFiles lines of
// the longest path.
const MaxManifestBytes = MaxFiles * (MaxPathBytes + 128)

// MaxFileSize bounds the size of one file: 32 TiB, more than the largest torrent
// has (400,000 pieces of 64 MiB).
const MaxFileSize = 1 << 45

// File is one file of a version.
type File struct {
	Path   string `json:"path"`   // relative, slash-separated
	Size   int64  `json:"size"`   // bytes
	Digest Digest `json:"digest"` // of its bytes
}

// Manifest is the list of the files of one version, sorted by the bytes of
// their paths. Make one with NewManifest or ParseManifest, and do not change its
// Files: both check what every other part relies on.
type Manifest struct {
	Files []File `json:"files"`
}

// NewManifest sorts a copy of files by path and returns it as a manifest.
// It returns a *PathError for names that CheckPaths refuses and a *ManifestError
// for sizes or digests that cannot be.
func NewManifest(files []File) (Manifest, error) {
	m := Manifest{Files: slices.Clone(files)}
	slices.SortFunc(m.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	if err := m.check(); err != nil {
		return Manifest{}, err
	}
	return m, nil
}

// check holds for a sorted list what is said of Manifest.
func (m Manifest) check() error {
	if len(m.Files) == 0 {
		return &ManifestError{Cause: "no files"}
	}
	paths := make([]string, len(m.Files))
	sizes := make(map[Digest]int64, len(m.Files))
	var total int64
	for i, f := range m.Files {
		paths[i] = f.Path
		switch {
		case f.Size < 0 || f.Size > MaxFileSize:
			return &ManifestError{Cause: fmt.Sprintf("file %s: size %d, want 0 to %d", quote(f.Path), f.Size, int64(MaxFileSize))}
		case f.Size > math.MaxInt64-total:
			return &ManifestError{Cause: "sizes add up to more than 8 EiB"}
		case f.Digest.IsZero():
			return &ManifestError{Cause: fmt.Sprintf("file %s: no digest", quote(f.Path))}
		}
		if size, ok := sizes[f.Digest]; ok && size != f.Size {
			return &ManifestError{Cause: fmt.Sprintf("file %s: %s has %d bytes here and %d in another file", quote(f.Path), f.Digest, f.Size, size)}
		}
		sizes[f.Digest] = f.Size
		total += f.Size
	}
	return CheckPaths(paths)
}

// Bytes returns the canonical bytes of m: the same files give the same bytes
// everywhere. ParseManifest reads them.
func (m Manifest) Bytes() []byte {
	var b bytes.Buffer
	b.WriteString(manifestHeader + "\n")
	for _, f := range m.Files {
		fmt.Fprintf(&b, "%s %d %s\n", f.Digest.Hex(), f.Size, f.Path)
	}
	return b.Bytes()
}

// ParseManifest reads the canonical bytes of a manifest and nothing else: what
// parses has these very bytes as its Bytes.
// It returns a *ManifestError or a *PathError.
func ParseManifest(b []byte) (Manifest, error) {
	if len(b) > MaxManifestBytes {
		return Manifest{}, &ManifestError{Cause: fmt.Sprintf("%d bytes, want at most %d", len(b), MaxManifestBytes)}
	}
	text, ok := strings.CutSuffix(string(b), "\n")
	if !ok {
		return Manifest{}, &ManifestError{Cause: "no line feed at the end"}
	}
	lines := strings.Split(text, "\n")
	if lines[0] != manifestHeader {
		return Manifest{}, &ManifestError{Line: 1, Cause: fmt.Sprintf("got %s, want %q", quote(lines[0]), manifestHeader)}
	}
	if len(lines)-1 > MaxFiles {
		return Manifest{}, &ManifestError{Cause: fmt.Sprintf("%d files, want at most %d", len(lines)-1, MaxFiles)}
	}
	m := Manifest{Files: make([]File, 0, len(lines)-1)}
	for i, line := range lines[1:] {
		f, err := parseManifestLine(line)
		if err != nil {
			return Manifest{}, &ManifestError{Line: i + 2, Cause: err.Error()}
		}
		if i > 0 && m.Files[i-1].Path >= f.Path {
			return Manifest{}, &ManifestError{Line: i + 2, Cause: fmt.Sprintf("path %s is not after %s", quote(f.Path), quote(m.Files[i-1].Path))}
		}
		m.Files = append(m.Files, f)
	}
	if err := m.check(); err != nil {
		return Manifest{}, err
	}
	return m, nil
}

func parseManifestLine(line string) (File, error) {
	digits, rest, _ := strings.Cut(line, " ")
	size, path, ok := strings.Cut(rest, " ")
	if !ok {
		return File{}, fmt.Errorf("got %s, want digest, size and path", quote(line))
	}
	d, err := ParseDigest(digits)
	if err != nil {
		return File{}, err
	}
	if d.Hex() != digits {
		return File{}, fmt.Errorf("digest %s: want 64 lower-case digits alone", quote(digits))
	}
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != size {
		return File{}, fmt.Errorf("size %s: want a plain decimal number", quote(size))
	}
	return File{Path: path, Size: n, Digest: d}, nil
}

// Digest returns the digest of m's canonical bytes, which names the version.
func (m Manifest) Digest() Digest { return Sum(m.Bytes()) }

// Size returns the bytes of all files together.
func (m Manifest) Size() int64 {
	var n int64
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// File returns the file at path, and whether there is one.
func (m Manifest) File(path string) (File, bool) {
	i, ok := slices.BinarySearchFunc(m.Files, path, func(f File, p string) int { return cmp.Compare(f.Path, p) })
	if !ok {
		return File{}, false
	}
	return m.Files[i], true
}
