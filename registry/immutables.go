package registry

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // BitTorrent v1 names info dictionaries by SHA-1
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"samara/magnets"
	"samara/registry/disk"
	"samara/verify"
)

// cachedFiles bounds the manifests kept in memory, by the files they list.
const cachedFiles = 100_000

// immutables is the files under manifests/ and torrents/, each named by the hash
// of its bytes.
type immutables struct {
	dir   string
	cache *manifestCache
}

type manifestCache struct {
	mu    sync.Mutex
	byKey map[verify.Digest]verify.Manifest
	files int
}

func openImmutables(dir string) (immutables, error) {
	for _, d := range []string{manifestDir, torrentDir} {
		if err := disk.MkdirAll(filepath.Join(dir, d)); err != nil {
			return immutables{}, disk.Wrap("open "+dir, dir, err)
		}
	}
	return immutables{dir: dir, cache: &manifestCache{byKey: map[verify.Digest]verify.Manifest{}}}, nil
}

func (f immutables) manifestPath(d verify.Digest) string {
	return filepath.Join(f.dir, manifestDir, d.Hex())
}

func (f immutables) torrentPath(h magnets.Hash) string {
	return filepath.Join(f.dir, torrentDir, h.String())
}

// put writes b to path unless the file is there already and whole.
func (f immutables) put(path string, b []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, b) {
		return nil
	}
	return disk.Wrap("write "+path, f.dir, disk.WriteFile(path, b, 0o400))
}

// putManifest makes m, whose digest is d, last.
func (f immutables) putManifest(d verify.Digest, m verify.Manifest) error {
	return f.put(f.manifestPath(d), m.Bytes())
}

// manifest reads the manifest d and checks that it is the one.
func (f immutables) manifest(d verify.Digest) (verify.Manifest, error) {
	f.cache.mu.Lock()
	m, ok := f.cache.byKey[d]
	f.cache.mu.Unlock()
	if ok {
		return m, nil
	}
	path := f.manifestPath(d)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return verify.Manifest{}, &ChecksumError{Path: path, Got: "no file", Want: d.String()}
	}
	if err != nil {
		return verify.Manifest{}, fmt.Errorf("read manifest: %w", err)
	}
	if got := verify.Sum(b); got != d {
		return verify.Manifest{}, &ChecksumError{Path: path, Got: got.String(), Want: d.String()}
	}
	m, err = verify.ParseManifest(b)
	if err != nil {
		return verify.Manifest{}, fmt.Errorf("%s: %w", path, err)
	}
	f.cache.put(d, m)
	return m, nil
}

func (c *manifestCache) put(d verify.Digest, m verify.Manifest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files+len(m.Files) > cachedFiles {
		clear(c.byKey)
		c.files = 0
	}
	if _, ok := c.byKey[d]; !ok {
		c.files += len(m.Files)
	}
	c.byKey[d] = m
}

// checkInfo says whether b is the info dictionary that h names: by SHA-1, or by
// the first bytes of SHA-256 for a torrent that is v2 alone.
func checkInfo(what string, h magnets.Hash, b []byte) error {
	v1, v2 := magnets.Hash(sha1.Sum(b)), magnets.HashV2(sha256.Sum256(b)).Short() //nolint:gosec // see the import
	if h != v1 && h != v2 {
		return &ChecksumError{Path: what, Got: v1.String(), Want: h.String()}
	}
	return nil
}

func (f immutables) putTorrent(h magnets.Hash, info []byte) error {
	if len(info) > magnets.MaxInfoBytes {
		return &TooLargeError{What: "torrent " + h.String(), Got: len(info), Want: magnets.MaxInfoBytes}
	}
	if err := checkInfo("torrent "+h.String(), h, info); err != nil {
		return err
	}
	return f.put(f.torrentPath(h), info)
}

// torrent reads the info dictionary h names, or returns a *NotFoundError.
func (f immutables) torrent(h magnets.Hash) ([]byte, error) {
	path := f.torrentPath(h)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NotFoundError{"torrent", h.String()}
	}
	if err != nil {
		return nil, fmt.Errorf("read torrent: %w", err)
	}
	return b, checkInfo(path, h, b)
}

// removeFiles removes files, of which some may be gone already.
func removeFiles(paths []string) error {
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sweep removes files of one folder that are older than the time given and whose
// names keep does not hold, as a crash may leave them.
func (f immutables) sweep(folder string, before time.Time, keep func(name string) bool) error {
	entries, err := os.ReadDir(filepath.Join(f.dir, folder))
	if err != nil {
		return fmt.Errorf("sweep %s: %w", folder, err)
	}
	var gone []string
	for _, e := range entries {
		st, err := e.Info()
		if err != nil || st.ModTime().After(before) || keep(e.Name()) {
			continue // gone, young or in use
		}
		gone = append(gone, filepath.Join(f.dir, folder, e.Name()))
	}
	return removeFiles(gone)
}
