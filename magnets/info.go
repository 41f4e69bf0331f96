package magnets

import (
	"bytes"
	"crypto/sha1" // BEP 3 names torrents by SHA-1; bytes are proven by BLAKE3
	"crypto/sha256"
	"fmt"
	"strings"
)

// A File is one file of a torrent, in torrent order.
type File struct {
	Path   string   // slash path without the torrent's name; a single file's own name
	Size   int64    // bytes
	Blake3 [32]byte // set where Info.HasBlake3 and not Pad
	Pad    bool     // BEP 47 padding: zeros that are never stored
}

// An Info is an info dictionary that passed every check.
type Info struct {
	Name        string // the torrent's name: a label, never a path
	PieceLength int64  // bytes
	Pieces      int
	Files       []File // laid end to end they are the pieces, pads included
	Private     bool   // BEP 27
	HasBlake3   bool   // the files carry digests
	SingleFile  bool   // one file without a directory; its path is Name
	V1, V2      bool   // which protocol versions it serves; a hybrid has both
	InfoHash    Hash   // SHA-1 of Bytes; zero unless V1
	InfoHashV2  HashV2 // SHA-256 of Bytes; zero unless V2
	Bytes       []byte // the dictionary as it came; not to be changed
}

// Length returns the bytes of all files, pads included.
func (i *Info) Length() int64 {
	var n int64
	for _, f := range i.Files {
		n += f.Size
	}
	return n
}

// ShortHash returns the hash by which peers find each other: the v1 infohash,
// or the first 20 bytes of the v2 one.
func (i *Info) ShortHash() Hash {
	if i.V1 {
		return i.InfoHash
	}
	return i.InfoHashV2.Short()
}

// An InfoError says what is wrong with an info dictionary or .torrent file.
type InfoError struct {
	Reason string
}

// Error returns the operation and the reason.
func (e *InfoError) Error() string { return "read torrent: " + e.Reason }

// Code returns the error's row in the table of errors.
func (e *InfoError) Code() string { return "invalid_request" }

// Hint says what to do next: nothing here can mend a torrent.
func (e *InfoError) Hint() string {
	return "the torrent is refused as it is; get another one from whoever made it"
}

func infoErrorf(format string, a ...any) error {
	return &InfoError{Reason: fmt.Sprintf(format, a...)}
}

// ParseInfo reads an info dictionary that a stranger may have made and checks
// everything that later code relies on: sizes and counts within the bounds of
// this package, paths under POSIX and Windows rules, no two paths alike after
// case folding and NFC, no links, a piece count that fits. Every error is an
// *InfoError. The result keeps b.
func ParseInfo(b []byte) (*Info, error) {
	if len(b) > MaxInfoBytes {
		return nil, infoErrorf("info dictionary of %d bytes, at most %d are allowed", len(b), MaxInfoBytes)
	}
	d, err := parseBencode(b)
	if err != nil {
		return nil, err
	}
	if d.kind != 'd' {
		return nil, infoErrorf("the info is not a dictionary")
	}
	info := &Info{Bytes: b}
	steps := []func(value) error{info.readHead, info.readFiles, info.checkFiles, info.readPieces, info.readBlake3}
	for _, step := range steps {
		if err := step(d); err != nil {
			return nil, err
		}
	}
	if info.V1 {
		info.InfoHash = sha1.Sum(b)
	}
	if info.V2 {
		info.InfoHashV2 = sha256.Sum256(b)
	}
	return info, nil
}

// readHead reads what concerns the whole torrent.
func (i *Info) readHead(d value) error {
	i.Name = d.text("name.utf-8")
	if i.Name == "" {
		i.Name = d.text("name")
	}
	if err := checkName(i.Name); err != nil {
		return infoErrorf("name %.256q: %v", i.Name, err)
	}
	i.PieceLength, _ = d.integer("piece length")
	if i.PieceLength < MinPieceLength || i.PieceLength > MaxPieceLength {
		return infoErrorf("piece length %d, want %d to %d", i.PieceLength, MinPieceLength, MaxPieceLength)
	}
	private, _ := d.integer("private")
	i.Private = private == 1
	version, hasVersion := d.integer("meta version")
	if hasVersion && version != 1 && version != 2 {
		return infoErrorf("meta version %d, want 1 or 2", version)
	}
	i.V2 = version == 2
	_, hasPieces := d.get("pieces")
	_, hasFiles := d.get("files")
	_, hasLength := d.get("length")
	i.V1 = !i.V2 || hasPieces || hasFiles || hasLength
	if i.V2 && i.PieceLength&(i.PieceLength-1) != 0 {
		return infoErrorf("piece length %d is not a power of two", i.PieceLength)
	}
	return nil
}

// readFiles fills Files from the v1 list, the v2 tree, or both where they
// say the same.
func (i *Info) readFiles(d value) error {
	if i.V1 {
		if err := i.readV1Files(d); err != nil {
			return err
		}
	}
	if !i.V2 {
		return nil
	}
	tree, _ := d.get("file tree")
	files, err := i.readTree(tree)
	if err != nil {
		return err
	}
	if !i.V1 {
		i.Files = files
		i.SingleFile = len(files) == 1 && files[0].Path == i.Name
		return nil
	}
	return i.checkHybrid(files)
}

func (i *Info) readV1Files(d value) error {
	list, ok := d.get("files")
	if !ok {
		size, ok := d.integer("length")
		if !ok {
			return infoErrorf("neither files nor length")
		}
		i.SingleFile = true
		return i.appendFile(d, i.Name, size)
	}
	if _, both := d.get("length"); both {
		return infoErrorf("both files and length")
	}
	if list.kind != 'l' {
		return infoErrorf("files is not a list")
	}
	for _, f := range list.list {
		size, ok := f.integer("length")
		if !ok {
			return infoErrorf("file %d has no length", len(i.Files))
		}
		path, err := v1Path(f)
		if err != nil {
			return infoErrorf("file %d: %v", len(i.Files), err)
		}
		if err := i.appendFile(f, path, size); err != nil {
			return err
		}
	}
	return nil
}

// v1Path joins a file's path segments; a slash inside one is refused.
func v1Path(f value) (string, error) {
	path, ok := f.get("path.utf-8")
	if !ok {
		path, _ = f.get("path")
	}
	if path.kind != 'l' || len(path.list) == 0 {
		return "", fmt.Errorf("no path")
	}
	segs := make([]string, len(path.list))
	for n, s := range path.list {
		if s.kind != 's' {
			return "", fmt.Errorf("segment %d of its path is no string", n)
		}
		if bytes.IndexByte(s.str, '/') >= 0 {
			return "", fmt.Errorf("segment %.64q of its path holds a slash", s.str)
		}
		segs[n] = string(s.str)
	}
	return strings.Join(segs, "/"), nil
}

// appendFile adds a file whose attributes stand in d.
func (i *Info) appendFile(d value, path string, size int64) error {
	attr := d.text("attr")
	_, link := d.get("symlink path")
	if link || strings.Contains(attr, "l") {
		return infoErrorf("file %.256q is a symbolic link", path)
	}
	if len(i.Files) >= 2*MaxFiles { // a pad may follow each file
		return infoErrorf("more than %d files", MaxFiles)
	}
	i.Files = append(i.Files, File{Path: path, Size: size, Pad: strings.Contains(attr, "p")})
	return nil
}

// checkFiles checks counts, sizes and paths.
func (i *Info) checkFiles(value) error {
	set := newPathSet()
	var total int64
	files := 0
	for _, f := range i.Files {
		if f.Size < 0 || f.Size > MaxTotalLength-total {
			return infoErrorf("file %.256q of %d bytes: at most %d bytes in all are allowed", f.Path, f.Size, int64(MaxTotalLength))
		}
		total += f.Size
		if f.Pad {
			if f.Size > i.PieceLength {
				return infoErrorf("padding of %d bytes is longer than a piece", f.Size)
			}
			continue
		}
		if files++; files > MaxFiles {
			return infoErrorf("more than %d files", MaxFiles)
		}
		if err := checkPath(f.Path); err != nil {
			return infoErrorf("%v", err)
		}
		if err := set.add(f.Path); err != nil {
			return infoErrorf("%v", err)
		}
	}
	if total == 0 {
		return infoErrorf("no bytes: every file is empty")
	}
	return nil
}

// readPieces counts the pieces and checks that v1 has a hash for each.
func (i *Info) readPieces(d value) error {
	n := (i.Length() + i.PieceLength - 1) / i.PieceLength
	if n > MaxPieces {
		return infoErrorf("%d pieces, at most %d are allowed", n, MaxPieces)
	}
	if n*int64(len(i.Files)) > MaxPieceFiles {
		return infoErrorf("%d pieces of %d files, at most %d of both multiplied are allowed", n, len(i.Files), MaxPieceFiles)
	}
	i.Pieces = int(n)
	if !i.V1 {
		return nil
	}
	if pieces, _ := d.get("pieces"); int64(len(pieces.str)) != 20*n {
		return infoErrorf("%d bytes of piece hashes, want %d for %d bytes in pieces of %d",
			len(pieces.str), 20*n, i.Length(), i.PieceLength)
	}
	return nil
}

// readBlake3 hands the digests of the info dictionary to the files.
func (i *Info) readBlake3(d value) error {
	digests, ok := d.get("blake3")
	if !ok {
		return nil
	}
	i.HasBlake3 = true
	s := digests.str
	for n := range i.Files {
		if i.Files[n].Pad {
			continue
		}
		if len(s) < 32 {
			return i.digestsError(len(digests.str))
		}
		i.Files[n].Blake3 = [32]byte(s[:32])
		s = s[32:]
	}
	if len(s) != 0 {
		return i.digestsError(len(digests.str))
	}
	return nil
}

func (i *Info) digestsError(got int) error {
	files := 0
	for _, f := range i.Files {
		if !f.Pad {
			files++
		}
	}
	return infoErrorf("blake3 holds %d bytes, want %d: 32 for each of %d files", got, 32*files, files)
}
