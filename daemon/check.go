package daemon

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"samara/registry"
	"samara/registry/blobs"
	"samara/verify"
	"samara/web"
	"samara/web/client"
)

// Verify hashes a version's files again and says which ranges are bad. A file
// that is gone is bad as a whole. A damaged file counts as not there from then
// on: the version is partial, nothing of the file is served, and adding or
// publishing the version again brings it back.
func (c *catalog) Verify(ctx context.Context, ref registry.Reference, progress func(done, total int64)) (web.VerifyReport, error) {
	began := time.Now()
	e, err := c.lookup(ctx, ref)
	if err != nil {
		return web.VerifyReport{}, err
	}
	before := stateOf(c.store.Blobs(), e.Version)
	files := expectedFiles(e.Version)
	report := web.VerifyReport{Reference: e.Reference.String(), Version: e.Version.Digest.String(), Bad: []web.BadRange{}}
	for _, f := range files {
		report.Bytes += f.Size
	}
	meter := newMeter(report.Bytes, progress)
	for _, f := range files {
		bad, err := c.check(ctx, f, meter)
		if err != nil {
			return report, fmt.Errorf("verify %s: file %s: %w", e.Reference, f.Path, err)
		}
		for _, r := range bad {
			report.Bad = append(report.Bad, web.BadRange{Path: f.Path, Offset: r.Offset, Length: r.Length})
		}
	}
	report.Ok = len(report.Bad) == 0
	report.Seconds = time.Since(began).Seconds()
	if !report.Ok || before != stateOf(c.store.Blobs(), e.Version) {
		c.hub.publish(eventVersion, c.versionOf(e))
		c.seeds.refresh(ctx, false)
	}
	return report, nil
}

// check reads one file and returns its bad ranges.
func (c *catalog) check(ctx context.Context, f verify.File, m *meter) ([]verify.BadRange, error) {
	bad, err := c.store.Blobs().Check(ctx, f.Digest, f.Size, m.add)
	var gone *blobs.NotFoundError
	switch {
	case errors.As(err, &gone):
		m.add(f.Size)
		return []verify.BadRange{{Length: f.Size}}, nil
	case err != nil && len(bad) > 0: // it cannot be marked
		return nil, errorf(client.CodeVerification, "", "%d ranges are bad: %w", len(bad), err)
	}
	return bad, err
}

// lost lists the files of tagged versions that are gone or known to be damaged,
// as "reference: path", at most limit of them, and counts all. A version's
// manifest and torrents are files of it here.
func (c *catalog) lost(ctx context.Context, limit int) (files []string, count int, err error) {
	err = c.store.EachVersion(ctx, func(v registry.Version) error {
		gone, err := c.lostOf(ctx, v)
		if err != nil || len(gone) == 0 {
			return err
		}
		tags, err := c.store.Tags(ctx, v.Digest)
		if err != nil || len(tags) == 0 {
			return err
		}
		count += len(gone)
		for _, name := range gone[:min(len(gone), limit-len(files))] {
			files = append(files, tags[0].String()+": "+name)
		}
		return nil
	})
	return files, count, err
}

// lostOf is lost for one version.
func (c *catalog) lostOf(ctx context.Context, v registry.Version) (files []string, err error) {
	if v.Damaged != "" {
		files = append(files, "its manifest")
	}
	here := presentFiles(c.store.Blobs(), v)
	for _, f := range expectedFiles(v) {
		if _, ok := here[f.Path]; !ok {
			files = append(files, f.Path)
		}
	}
	for _, b := range v.Bindings {
		_, _, _, err := c.store.Torrent(ctx, b.InfoHash)
		switch {
		case isLost(err):
			files = append(files, "torrent "+b.InfoHash.String())
		case err != nil:
			return nil, err
		}
	}
	return files, nil
}

// isLost reports whether err says that a file of the registry's is gone or holds
// other bytes.
func isLost(err error) bool {
	var bad *registry.ChecksumError
	return isNotFound(err) || errors.As(err, &bad)
}

// A meter adds up work that several goroutines do and tells now and then.
type meter struct {
	mu          sync.Mutex
	done, total int64
	told        time.Time
	tell        func(done, total int64)
}

func newMeter(total int64, tell func(done, total int64)) *meter {
	return &meter{total: total, tell: tell}
}

func (m *meter) add(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done += n
	if now := time.Now(); m.done == m.total || now.Sub(m.told) >= progressEvery {
		m.told = now
		m.tell(m.done, m.total)
	}
}
