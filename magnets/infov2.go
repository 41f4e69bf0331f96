package magnets

import (
	"slices"
	"strings"
)

// readTree lists the files of a v2 file tree in torrent order. Each file
// begins a piece, so a pad follows every file but the last that has bytes.
func (i *Info) readTree(tree value) ([]File, error) {
	if tree.kind != 'd' || len(tree.list) == 0 {
		return nil, infoErrorf("no file tree")
	}
	files, err := walkTree(nil, tree, "")
	if err != nil {
		return nil, err
	}
	var padded []File
	var offset int64
	for _, f := range files {
		if f.Size < 0 || f.Size > MaxTotalLength-offset {
			return nil, infoErrorf("file %.256q of %d bytes", f.Path, f.Size)
		}
		if over := offset % i.PieceLength; over != 0 && f.Size > 0 {
			pad := i.PieceLength - over
			padded = append(padded, File{Size: pad, Pad: true})
			offset += pad
		}
		padded = append(padded, f)
		offset += f.Size
	}
	return padded, nil
}

// walkTree appends the files below dir to files, in the order of raw keys.
func walkTree(files []File, dir value, prefix string) ([]File, error) {
	keys := make([]int, 0, len(dir.list)/2)
	for n := 0; n < len(dir.list); n += 2 {
		keys = append(keys, n)
	}
	slices.SortFunc(keys, func(a, b int) int {
		return slices.Compare(dir.list[a].str, dir.list[b].str)
	})
	for _, n := range keys {
		name, node := string(dir.list[n].str), dir.list[n+1]
		path := prefix + name
		if name == "" || strings.Contains(name, "/") || node.kind != 'd' || len(node.list) == 0 {
			return nil, infoErrorf("file tree: bad entry %.256q", path)
		}
		props, isFile := node.get("")
		if !isFile {
			var err error
			if files, err = walkTree(files, node, path+"/"); err != nil {
				return nil, err
			}
			continue
		}
		f, err := treeFile(path, node, props)
		if err != nil {
			return nil, err
		}
		if files = append(files, f); len(files) > MaxFiles {
			return nil, infoErrorf("more than %d files", MaxFiles)
		}
	}
	return files, nil
}

// treeFile reads one leaf of a v2 file tree.
func treeFile(path string, node, props value) (File, error) {
	size, ok := props.integer("length")
	root, hasRoot := props.get("pieces root")
	_, link := props.get("symlink path")
	switch {
	case len(node.list) != 2:
		return File{}, infoErrorf("file tree: %.256q is a file and a directory", path)
	case link:
		return File{}, infoErrorf("file %.256q is a symbolic link", path)
	case !ok || size < 0:
		return File{}, infoErrorf("file %.256q has no length", path)
	case (size > 0) != hasRoot || hasRoot && len(root.str) != 32:
		return File{}, infoErrorf("file %.256q: pieces root of %d bytes for %d bytes", path, len(root.str), size)
	}
	return File{Path: path, Size: size}, nil
}

// checkHybrid refuses a hybrid whose two file lists are not one: a client of
// each version would store other bytes.
func (i *Info) checkHybrid(tree []File) error {
	layout := func(files []File) []File { // without empty pads, names of pads and padding at the end
		files = slices.DeleteFunc(slices.Clone(files), func(f File) bool { return f.Pad && f.Size == 0 })
		for n := range files {
			if files[n].Pad {
				files[n].Path = ""
			}
		}
		for len(files) > 0 && files[len(files)-1].Pad {
			files = files[:len(files)-1]
		}
		return files
	}
	v1, v2 := layout(i.Files), layout(tree)
	if !slices.Equal(v1, v2) {
		return infoErrorf("hybrid torrent: its v1 and v2 file lists differ")
	}
	return nil
}
