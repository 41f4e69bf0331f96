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
)

// States of a version.
const (
	versionReady   = "ready"
	versionPartial = "partial" // some files are not in the store
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

// presentFiles are the files of a version that are in the store, by path.
func presentFiles(v registry.Version) map[string]verify.File {
	here := make(map[string]verify.File, len(v.Manifest.Files))
	for _, f := range v.Manifest.Files {
		here[f.Path] = f
	}
	for _, path := range v.Missing {
		delete(here, path)
	}
	return here
}

// openSource opens the files of a version that are in the store. The caller
// owns them.
func openSource(store *blobs.Store, v registry.Version) (loader.Source, error) {
	here := presentFiles(v)
	if len(here) > loader.MaxSourceFiles {
		return nil, fmt.Errorf("open model: got %d files, want at most %d", len(here), loader.MaxSourceFiles)
	}
	var src loader.Source
	for _, f := range v.Manifest.Files {
		if _, ok := here[f.Path]; !ok {
			continue
		}
		file, err := store.Open(f.Digest)
		if err != nil {
			_ = src.Close() // only read from
			return nil, fmt.Errorf("open model: file %s: %w", f.Path, err)
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
	src, err := openSource(store, v)
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
		ext := strings.ToLower(path.Ext(f.Path))
		return ext == ".gguf" || ext == ".safetensors"
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
		State:         stateOf(v),
		ContextLength: v.Facts.ContextLength,
		Memory:        v.Facts.MemoryBytes,
		FirstSeen:     v.FirstSeen,
		Seeding:       c.seeds.has(v),
		Added:         v.Added,
	}
}

func stateOf(v registry.Version) string {
	if len(v.Missing) > 0 {
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
