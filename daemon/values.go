package daemon

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"samara/loader"
	"samara/magnets"
	"samara/registry"
	"samara/registry/blobs"
	"samara/verify"
	"samara/web"
	"samara/web/client"
)

// States of a version.
const (
	versionReady   = "ready"
	versionPartial = "partial" // some files are not in the store
	versionDamaged = "damaged" // its manifest cannot be read
)

// manifestOf rebuilds the manifest from the digests that an info dictionary
// carries; info.HasBlake3 must hold.
func manifestOf(info *magnets.Info) (verify.Manifest, error) {
	var files []verify.File
	for _, f := range info.Files {
		if !f.Pad {
			files = append(files, verify.File{Path: f.Path, Size: f.Size, Digest: f.Blake3})
		}
	}
	return verify.NewManifest(files)
}

// expectedFiles are the files of a version that were brought into the store, in
// the manifest's order: those that --only left out are not among them.
func expectedFiles(v registry.Version) []verify.File {
	left := make(map[string]bool, len(v.Missing))
	for _, path := range v.Missing {
		left[path] = true
	}
	files := make([]verify.File, 0, len(v.Manifest.Files))
	for _, f := range v.Manifest.Files {
		if !left[f.Path] {
			files = append(files, f)
		}
	}
	return files
}

// presentFiles are the files of a version that are in the store now, by path:
// the expected ones without those that are gone or known to be damaged.
func presentFiles(store *blobs.Store, v registry.Version) map[string]verify.File {
	here := make(map[string]verify.File, len(v.Manifest.Files))
	for _, f := range expectedFiles(v) {
		if present(store, f.Digest, f.Size) {
			here[f.Path] = f
		}
	}
	return here
}

// present reports whether a blob is in the store, of its size and not known to
// be damaged.
func present(store *blobs.Store, d verify.Digest, size int64) bool {
	got, err := store.Stat(d)
	return err == nil && got == size
}

// lostFile is the error of an operation that needs a file of a version that was
// in the store and is gone or damaged.
func lostFile(op string, ref registry.Reference, path string, cause error) error {
	hint := fmt.Sprintf(`"samara verify %s" says what is damaged; adding its link, or publishing its folder, again mends it`, ref)
	return errorf(client.CodeVerification, hint, "%s %s: file %s: %w", op, ref, path, cause)
}

// openSource opens the expected files of an entry's version for an operation.
// The caller owns them.
func openSource(store *blobs.Store, op string, e registry.Entry) (loader.Source, error) {
	files := expectedFiles(e.Version)
	if len(files) > loader.MaxSourceFiles {
		return nil, fmt.Errorf("%s %s: got %d files, want at most %d", op, e.Reference, len(files), loader.MaxSourceFiles)
	}
	var src loader.Source
	for _, f := range files {
		file, err := store.Open(f.Digest)
		if err != nil {
			_ = src.Close() // only read from
			return nil, lostFile(op, e.Reference, f.Path, err)
		}
		src = append(src, loader.File{Path: f.Path, Size: f.Size, File: file})
	}
	return src, nil
}

// factsOf reads the headers of a version's files. A version that is no model,
// or none that the loader knows, has the format "other".
func factsOf(store *blobs.Store, v registry.Version) registry.Facts {
	other := registry.Facts{Format: "other"}
	if !holdsWeights(v) {
		return other
	}
	src, err := openSource(store, "inspect", registry.Entry{Version: v})
	if err != nil {
		return other
	}
	defer src.Close()
	info, err := loader.Inspect(src)
	if err != nil {
		return other
	}
	return registry.Facts{
		Format:        info.Format,
		Layout:        info.Layout,
		Architecture:  info.Architecture,
		Parameters:    info.Parameters,
		Quantization:  info.Quantization,
		License:       info.License,
		ContextLength: info.ContextLength,
		MemoryBytes:   memoryOf(info, 0),
		Tokenizer:     info.Tokenizer,
	}
}

// holdsWeights reports whether some file of a version looks like weights.
func holdsWeights(v registry.Version) bool {
	return slices.ContainsFunc(v.Manifest.Files, func(f verify.File) bool {
		switch strings.ToLower(path.Ext(f.Path)) {
		case ".gguf", ".safetensors", ".pth", ".pt":
			return true
		}
		return false
	})
}

// memoryOf is what serving a model takes, in bytes: its weights and the cache
// of one session of that context, 0 meaning the loader's default.
func memoryOf(info loader.ModelInfo, context int) int64 {
	if context <= 0 {
		context = loader.DefaultContext
	}
	if info.ContextLength > 0 {
		context = min(context, info.ContextLength)
	}
	return info.WeightBytes + int64(context)*info.CacheBytesPerToken + info.WindowBytes
}

// versionOf is the API's record of a tag and its version.
func (c *catalog) versionOf(e registry.Entry) web.Version {
	v := e.Version
	return web.Version{
		Reference:     e.Reference.String(),
		Version:       v.Digest.String(),
		Bytes:         v.Manifest.Size(),
		Files:         len(v.Manifest.Files),
		Format:        v.Facts.Format,
		Architecture:  v.Facts.Architecture,
		Parameters:    v.Facts.Parameters,
		Quantization:  v.Facts.Quantization,
		License:       v.Facts.License,
		Trust:         v.Trust,
		State:         stateOf(c.store.Blobs(), v),
		ContextLength: v.Facts.ContextLength,
		Memory:        v.Facts.MemoryBytes,
		FirstSeen:     v.FirstSeen,
		Seeding:       c.seeds.has(v),
		Added:         v.Added,
	}
}

// stateOf is ready where every file of the manifest is in the store now.
func stateOf(store *blobs.Store, v registry.Version) string {
	if v.Damaged != "" {
		return versionDamaged
	}
	if len(v.Missing) > 0 || len(presentFiles(store, v)) < len(v.Manifest.Files) {
		return versionPartial
	}
	return versionReady
}

// apiFacts is the API's form of what headers say.
func apiFacts(f registry.Facts) *web.Facts {
	return &web.Facts{
		Format: f.Format, Layout: f.Layout, Architecture: f.Architecture, Parameters: f.Parameters,
		Quantization: f.Quantization, License: f.License, Tokenizer: f.Tokenizer,
		ContextLength: f.ContextLength, Memory: f.MemoryBytes,
	}
}
