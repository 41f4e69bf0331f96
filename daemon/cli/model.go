package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"samara/loader"
	"samara/web/client"
)

// What a MODEL argument can be.
type modelKind int

const (
	modelReference modelKind = iota // ns/name[:tag], …@blake3:…
	modelPath                       // a file or folder on this machine
	modelLink                       // a magnet, .torrent file or infohash
)

// weightSuffixes make a MODEL without a leading / . or ~ a path.
var weightSuffixes = []string{".gguf", ".safetensors", ".pth", ".pt"}

// kindOf tells references, paths and links apart by their form alone, so that
// a file that happens to lie around changes nothing.
func kindOf(model string) modelKind {
	switch {
	case isLink(model):
		return modelLink
	case model != "" && strings.ContainsRune("/.~", rune(model[0])):
		return modelPath
	case slices.Contains(weightSuffixes, strings.ToLower(filepath.Ext(model))):
		return modelPath
	}
	return modelReference
}

// isLink reports whether s is a magnet, the name of a .torrent file or an
// infohash.
func isLink(s string) bool {
	return strings.HasPrefix(strings.ToLower(s), "magnet:") ||
		strings.HasSuffix(strings.ToLower(s), ".torrent") || isInfoHash(s)
}

// isInfoHash reports whether s is an infohash of version 1 in hex.
func isInfoHash(s string) bool {
	return len(s) == 40 && strings.Trim(strings.ToLower(s), "0123456789abcdef") == ""
}

// localPath expands a leading ~ and makes path absolute.
func localPath(path string) (string, error) {
	if path == "~" || strings.HasPrefix(path, "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", usage(fmt.Sprintf("open %s: %v", path, err), "")
		}
		path = filepath.Join(home, strings.TrimPrefix(path, "~"))
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", path, err)
	}
	return abs, nil
}

// An opener opens the files of a MODEL, each time anew.
type opener func() (loader.Source, error)

// opener finds the files of MODEL for a loader in this process: a path's own
// files, or for a reference the registry's, which only the daemon of this
// machine's folder can name.
func (a *app) opener(model string) (opener, error) {
	kind := kindOf(model)
	switch {
	case kind == modelLink:
		return nil, usage(fmt.Sprintf("open %s: this verb takes a reference or a path, not a link", model),
			"samara add fetches it first")
	case a.opts.Server != "":
		return nil, usage(fmt.Sprintf("open %s: this verb computes here and needs the files, and --server is another machine", model),
			"run it there, without --server")
	case kind == modelPath:
		path, err := localPath(model)
		return func() (loader.Source, error) { return openPath(path) }, err
	}
	return a.storedOpener(model)
}

// openPath opens a file or folder of this machine.
func openPath(path string) (loader.Source, error) {
	src, err := loader.SourceFromPath(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, client.Errorf("", client.CodeNotFound, "%w", err)
	}
	return src, err
}

// storedOpener asks where the blobs of a reference lie. The daemon inside this
// verb has ended when they are opened; an open file's bytes stay whatever is
// deleted.
func (a *app) storedOpener(ref string) (opener, error) {
	var list client.Source
	err := a.with(noSwarm, func(s *session) (err error) {
		list, err = client.Decode[client.Source](s.GetSource(a.ctx, &client.GetSourceParams{Ref: ref}))
		return err
	})
	return func() (loader.Source, error) { return openBlobs(list) }, err
}

// openBlobs opens every file of a version, or none.
func openBlobs(list client.Source) (src loader.Source, err error) {
	defer func() {
		if err != nil {
			_ = src.Close() // only read from
		}
	}()
	for _, f := range list.Files {
		file, err := os.Open(f.Disk)
		if err != nil {
			return src, fmt.Errorf("open %s/%s: %w", list.Reference, f.Path, err)
		}
		src = append(src, loader.File{Path: f.Path, Size: f.Size, File: file})
	}
	return src, nil
}

// openModel opens MODEL for this process.
func (a *app) openModel(model string, o loader.Options) (loader.Model, error) {
	open, err := a.opener(model)
	if err != nil {
		return nil, err
	}
	src, err := open()
	if err != nil {
		return nil, err
	}
	if o.Threads == 0 {
		o.Threads = a.opts.Threads
	}
	if o.Context == 0 {
		o.Context = a.opts.Context
	}
	return loader.Open(a.ctx, src, o)
}
