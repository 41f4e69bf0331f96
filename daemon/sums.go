package daemon

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"

	"samara/registry"
	"samara/verify"
)

// sums computes the SHA-256 of blobs that have none yet, one after the other:
// other dialects and signatures name files by it. Nothing waits for it.
type sums struct {
	store *registry.Store
	log   *slog.Logger
	work  chan struct{} // something may have to be done
}

func newSums(store *registry.Store, log *slog.Logger) *sums {
	return &sums{store: store, log: log, work: make(chan struct{}, 1)}
}

// wake makes run look for blobs without a sum.
func (s *sums) wake() {
	select {
	case s.work <- struct{}{}:
	default: // it will look anyway
	}
}

// run works until ctx ends.
func (s *sums) run(ctx context.Context) {
	for {
		if err := s.pass(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("cannot compute sha-256", "error", err)
		}
		select {
		case <-s.work:
		case <-ctx.Done():
			return
		}
	}
}

// pass computes what is missing now.
func (s *sums) pass(ctx context.Context) error {
	var todo []verify.File
	err := s.store.EachVersion(ctx, func(v registry.Version) error {
		here := presentFiles(s.store.Blobs(), v)
		for _, f := range v.Manifest.Files {
			if _, ok := here[f.Path]; !ok {
				continue
			}
			facts, err := s.store.BlobFacts(ctx, f.Digest)
			if err != nil && !isNotFound(err) {
				return err
			}
			if !facts.HasSHA256 {
				todo = append(todo, f)
			}
		}
		return nil
	})
	errs := []error{err}
	for _, f := range todo {
		errs = append(errs, s.sum(ctx, f))
	}
	return errors.Join(errs...)
}

func (s *sums) sum(ctx context.Context, f verify.File) error {
	file, err := s.store.Blobs().Open(f.Digest)
	if err != nil {
		return err
	}
	defer file.Close()
	h := sha256.New()
	buf := make([]byte, chunkSize)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := file.Read(buf)
		_, _ = h.Write(buf[:n]) // a hash never fails
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	facts := registry.BlobFacts{Size: f.Size, HasSHA256: true}
	h.Sum(facts.SHA256[:0])
	return s.store.PutBlobFacts(ctx, f.Digest, facts)
}
