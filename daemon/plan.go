package daemon

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"samara/magnets"
	"samara/magnets/swarm"
	"samara/registry"
	"samara/registry/disk"
	"samara/verify"
	"samara/web/client"
)

// A plan says what a transfer fetches of its torrent. The slices are in torrent
// order, pads included.
type plan struct {
	info   *magnets.Info
	want   []bool          // false for pads, and for what --only leaves out
	digest []verify.Digest // zero as long as nobody knows
}

// plan checks what the metadata promises against what the link, the user and
// the registry say, before anything is stored.
func (f *fetcher) plan(ctx context.Context, rec registry.Transfer, info *magnets.Info) (*plan, error) {
	p := &plan{info: info, want: make([]bool, len(info.Files)), digest: make([]verify.Digest, len(info.Files))}
	wanted := 0
	for i, file := range info.Files {
		p.want[i] = !file.Pad && matches(rec.Only, file.Path)
		if p.want[i] {
			wanted++
		}
		if info.HasBlake3 && !file.Pad {
			p.digest[i] = file.Blake3
		}
	}
	if wanted == 0 {
		return nil, errorf(client.CodeInvalidRequest, `"samara peek" lists the files`, "add %s: no file matches %s",
			rec.InfoHash, strings.Join(rec.Only, ", "))
	}
	if info.HasBlake3 {
		m, err := manifestOf(info)
		if err != nil {
			return nil, fmt.Errorf("add %s: %w", rec.InfoHash, err)
		}
		return p, checkPins(rec, m)
	}
	if len(rec.Only) > 0 && !rec.Manifest.IsZero() {
		return nil, errorf(client.CodeInvalidRequest, "fetch it whole, without --only",
			"add %s: the link names the digest of all files, which a part of them cannot prove", rec.InfoHash)
	}
	return p, f.recall(ctx, rec, p)
}

// checkPins compares a manifest with the digests that the link and the user
// name.
func checkPins(rec registry.Transfer, m verify.Manifest) error {
	got := m.Digest()
	if want := rec.Manifest; !want.IsZero() && got != want {
		return errorf(client.CodeVerification, "somebody changed the link or the torrent: nothing of it was kept",
			"add %s: manifest: got %s, the link says %s", rec.InfoHash, got, want)
	}
	want := rec.Expect
	if want.IsZero() || got == want || len(m.Files) == 1 && m.Files[0].Digest == want {
		return nil
	}
	return errorf(client.CodeVerification, "it is not what was expected: nothing of it became visible",
		"add %s: got %s, expected %s", rec.InfoHash, got, want)
}

// matches reports whether a file is wanted: by its path or its last segment,
// under any of the patterns; without patterns everything is.
func matches(patterns []string, name string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(pattern string) bool {
		whole, _ := path.Match(pattern, name) // Add refused what is no pattern
		last, _ := path.Match(pattern, path.Base(name))
		return whole || last
	})
}

// recall fills in digests that were computed here before: by an earlier run of
// the transfer that was killed while it committed, or for the version that the
// torrent became.
func (f *fetcher) recall(ctx context.Context, rec registry.Transfer, p *plan) error {
	if err := f.readDigests(rec.InfoHash, p); err != nil {
		return err
	}
	v, err := f.store.ByInfoHash(ctx, rec.InfoHash)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	known := make(map[string]verify.Digest, len(v.Manifest.Files))
	for _, f := range v.Manifest.Files {
		known[f.Path] = f.Digest
	}
	for i, file := range p.info.Files {
		if d, ok := known[file.Path]; ok && !file.Pad {
			p.digest[i] = d
		}
	}
	return nil
}

// digestsName is a file beside those in flight that holds the digests computed
// for a foreign torrent: while its files become blobs, nothing else knows them.
const digestsName = "digests"

func (f *fetcher) digestsPath(h magnets.Hash) string {
	return filepath.Join(f.store.Blobs().Incoming(), h.String(), digestsName)
}

// writeDigests makes the plan's digests last, one a line.
func (f *fetcher) writeDigests(h magnets.Hash, p *plan) error {
	var b bytes.Buffer
	for _, d := range p.digest {
		fmt.Fprintln(&b, d.Hex())
	}
	file := f.digestsPath(h)
	if err := disk.MkdirAll(filepath.Dir(file)); err != nil {
		return disk.Wrap("write digests", f.store.Dir(), err)
	}
	return disk.Wrap("write digests", f.store.Dir(), disk.WriteFile(file, b.Bytes(), 0o600))
}

// readDigests reads what writeDigests left, if it did.
func (f *fetcher) readDigests(h magnets.Hash, p *plan) error {
	b, err := os.ReadFile(f.digestsPath(h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read digests of %s: %w", h, err)
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for i := 0; lines.Scan() && i < len(p.digest); i++ {
		if p.digest[i], err = verify.ParseDigest(lines.Text()); err != nil {
			return fmt.Errorf("read digests of %s: %w", h, err)
		}
	}
	return nil
}

// layout says where each file goes: to a blob that is there already, or under
// incoming/.
func (p *plan) layout(store *registry.Store) swarm.Layout {
	l := swarm.Layout{Files: make([]swarm.LayoutFile, len(p.info.Files))}
	for i, file := range p.info.Files {
		l.Files[i] = swarm.LayoutFile{Size: file.Size, Skip: !p.want[i] && !file.Pad}
		if p.here(store, i) {
			l.Files[i].Blob, l.Files[i].Skip = store.Blobs().Path(p.digest[i]), false
		}
	}
	return l
}

// here reports whether file i is in the store.
func (p *plan) here(store *registry.Store, i int) bool {
	return !p.digest[i].IsZero() && present(store.Blobs(), p.digest[i], p.info.Files[i].Size)
}

// bytes is the size of all wanted files.
func (p *plan) bytes() int64 {
	var n int64
	for i, file := range p.info.Files {
		if p.want[i] {
			n += file.Size
		}
	}
	return n
}

// bytesHere is the size of the wanted files that are in the store.
func (p *plan) bytesHere(store *registry.Store) int64 {
	var n int64
	for i, file := range p.info.Files {
		if p.want[i] && p.here(store, i) {
			n += file.Size
		}
	}
	return n
}

// checkRoom fails where the disk cannot take what is not there yet.
func (f *fetcher) checkRoom(p *plan, h magnets.Hash) error {
	need := p.bytes() - p.bytesHere(f.store)
	need -= allocated(filepath.Join(f.store.Blobs().Incoming(), h.String()))
	return f.store.CheckRoom(max(0, need))
}
