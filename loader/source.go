package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"samara/loader/weights"
)

// MaxSourceFiles bounds the files SourceFromPath opens from one directory.
const MaxSourceFiles = 2000

// A File is one open file of a model release.
type File struct {
	Path string   // slash-separated, relative to the release
	Size int64    // bytes
	File *os.File // open for reading
}

// A Source is the files of one model release. It owns them.
type Source []File

// Close closes every file.
func (s Source) Close() error {
	var errs []error
	for _, f := range s {
		errs = append(errs, f.File.Close())
	}
	return errors.Join(errs...)
}

// find returns the file with the given path.
func (s Source) find(name string) (File, bool) {
	i := slices.IndexFunc(s, func(f File) bool { return f.Path == name })
	if i < 0 {
		return File{}, false
	}
	return s[i], true
}

// SourceFromPath opens a .gguf, .safetensors, .pth or .pt file, or the files of
// a directory in one of the layouts (of its sub-directories only the configs of
// an embedding's steps). A file of a split or consolidated release comes with the other shards; every file but a
// .gguf with the configuration files beside it.
func SourceFromPath(p string) (Source, error) {
	st, err := os.Stat(p)
	if err != nil {
		return nil, fmt.Errorf("open model: %w", err)
	}
	if st.IsDir() {
		return openAll(p, func(string) bool { return true })
	}
	dir, base := filepath.Split(p)
	if dir == "" {
		dir = "."
	}
	gguf := path.Ext(base) == ".gguf"
	return openAll(dir, func(name string) bool {
		return name == base || weights.SameRelease(base, name) || !gguf && !isWeights(name)
	})
}

// isWeights tells weight files from configuration by their names.
func isWeights(name string) bool {
	switch path.Ext(name) {
	case ".gguf", ".safetensors", ".pth", ".pt", ".bin":
		return true
	}
	return strings.HasSuffix(name, ".safetensors.index.json")
}

// isStep tells whether a folder holds the config of one step of an embedding:
// "1_Pooling".
func isStep(name string) bool {
	number, step, ok := strings.Cut(name, "_")
	return ok && len(number) == 1 && number[0] >= '0' && number[0] <= '9' && step != ""
}

// openAll opens the regular files of dir whose names keep allows.
func openAll(dir string, keep func(name string) bool) (_ Source, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open model: %w", err)
	}
	var src Source
	defer func() {
		if err != nil {
			err = errors.Join(err, src.Close())
		}
	}()
	for _, e := range entries {
		if !keep(e.Name()) {
			continue
		}
		full, name := filepath.Join(dir, e.Name()), e.Name()
		st, err := os.Stat(full) // follows links: a Hub snapshot is only links
		if err != nil {
			return nil, fmt.Errorf("open model: %w", err)
		}
		if st.IsDir() && isStep(e.Name()) {
			full, name = filepath.Join(full, "config.json"), name+"/config.json"
			if st, err = os.Stat(full); errors.Is(err, fs.ErrNotExist) {
				continue
			} else if err != nil {
				return nil, fmt.Errorf("open model: %w", err)
			}
		}
		if !st.Mode().IsRegular() {
			continue
		}
		if len(src) == MaxSourceFiles {
			return nil, fmt.Errorf("open model %s: got more than %d files", dir, MaxSourceFiles)
		}
		f, err := os.Open(full)
		if err != nil {
			return nil, fmt.Errorf("open model: %w", err)
		}
		src = append(src, File{Path: name, Size: st.Size(), File: f})
	}
	return src, nil
}
