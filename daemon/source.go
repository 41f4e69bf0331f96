package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"samara/verify"
	"samara/web/client"
)

// A sourceFile is one file of a folder that is being published.
type sourceFile struct {
	Path string      // slash path in the version
	Disk string      // where it lies
	Info fs.FileInfo // as the walk saw it, links resolved
}

// walkSource lists what publishing root would publish, in no promised order:
// root itself where it is a file, else every regular file below it. Names
// that start with a dot are left out. A link counts as the file it resolves
// to when that lies inside root or in the Hub cache that root is a snapshot
// of; any other link is refused unless followLinks.
func walkSource(root string, followLinks bool) ([]sourceFile, error) {
	resolved, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, notFoundSource(root, err)
	}
	info, err := os.Stat(resolved)
	if err != nil {
		return nil, notFoundSource(root, err)
	}
	if info.Mode().IsRegular() {
		return []sourceFile{{Path: filepath.Base(root), Disk: resolved, Info: info}}, nil
	}
	if !info.IsDir() {
		return nil, refuse(root, "", "is a %s, want a folder or a regular file", kindOf(info.Mode()))
	}
	w := walker{homes: linkHomes(resolved), follow: followLinks}
	if err := w.folder(resolved, ""); err != nil {
		return nil, err
	}
	if len(w.files) == 0 {
		return nil, refuse(root, "", "holds no files (names that start with a dot are left out)")
	}
	return w.files, nil
}

// linkHomes are the folders that links under root may point into.
func linkHomes(root string) []string {
	homes := []string{root}
	if snapshots := filepath.Dir(root); filepath.Base(snapshots) == "snapshots" {
		homes = append(homes, filepath.Join(filepath.Dir(snapshots), "blobs"))
	}
	return homes
}

type walker struct {
	files  []sourceFile
	homes  []string
	follow bool
	open   []string // the folders above the present one, links resolved
}

// folder adds the files of dir, whose place in the version is rel.
func (w *walker) folder(dir, rel string) error {
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("publish %s: %w", dir, err)
	}
	for _, above := range w.open {
		if above == resolved {
			return refuse(dir, "", "a link leads back to a folder above it")
		}
	}
	w.open = append(w.open, resolved)
	defer func() { w.open = w.open[:len(w.open)-1] }()

	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("publish %s: %w", dir, err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if err := w.entry(filepath.Join(dir, e.Name()), path.Join(rel, e.Name()), e.Type()); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(disk, rel string, mode fs.FileMode) error {
	if mode&fs.ModeSymlink != 0 {
		if err := w.checkLink(disk); err != nil {
			return err
		}
	}
	info, err := os.Stat(disk)
	if err != nil {
		return fmt.Errorf("publish %s: %w", disk, err)
	}
	switch {
	case info.IsDir():
		return w.folder(disk, rel)
	case !info.Mode().IsRegular():
		return refuse(disk, "", "is a %s, want a regular file", kindOf(info.Mode()))
	case len(w.files) == verify.MaxFiles:
		return refuse(disk, "", "is file %d, at most %d make a version", verify.MaxFiles+1, verify.MaxFiles)
	}
	w.files = append(w.files, sourceFile{Path: rel, Disk: disk, Info: info})
	return nil
}

// checkLink refuses a link that leads out of the walker's homes, and a link
// to a folder, unless links are followed anyway.
func (w *walker) checkLink(disk string) error {
	if w.follow {
		return nil
	}
	const hint = "--follow-links publishes what links point to, wherever that is"
	resolved, err := filepath.EvalSymlinks(disk)
	if err != nil {
		return refuse(disk, "remove it, or fetch what it points to", "is a link that leads nowhere")
	}
	info, err := os.Stat(resolved)
	if err != nil {
		return fmt.Errorf("publish %s: %w", disk, err)
	}
	if info.IsDir() {
		return refuse(disk, hint, "is a link to a folder")
	}
	for _, home := range w.homes {
		if rel, err := filepath.Rel(home, resolved); err == nil && filepath.IsLocal(rel) {
			return nil
		}
	}
	return refuse(disk, hint, "is a link to %s, outside the folder", resolved)
}

func notFoundSource(root string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errorf(client.CodeNotFound, "", "publish %s: no such file or folder", root)
	}
	return fmt.Errorf("publish %s: %w", root, err)
}

// refuse is something in a folder that cannot be published.
func refuse(path, hint, format string, args ...any) error {
	return errorf(client.CodeInvalidRequest, hint, "publish %s: %s", path, fmt.Sprintf(format, args...))
}

func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "named pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}
