package weights

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
)

// ggufSplit is the name of one file of a split GGUF release.
var ggufSplit = regexp.MustCompile(`^(.*)-([0-9]{5})-of-([0-9]{5})\.gguf$`)

// SameRelease tells by their names whether two weight files are shards of one
// release: of a split GGUF file, or of the consolidated layout.
func SameRelease(a, b string) bool {
	if m, n := ggufSplit.FindStringSubmatch(a), ggufSplit.FindStringSubmatch(b); m != nil && n != nil {
		return m[1] == n[1] && m[3] == n[3]
	}
	m, n := consolidatedShard.FindStringSubmatch(a), consolidatedShard.FindStringSubmatch(b)
	return m != nil && n != nil && m[3] == n[3]
}

// ggufShards orders the files of a split release; names are all .gguf files.
// It fails where they are not the shards of one release, each there once.
func ggufShards(names []string, byName map[string]File) ([]File, error) {
	slices.Sort(names)
	m := ggufSplit.FindStringSubmatch(names[0])
	if m == nil {
		return nil, &FormatError{File: names[0], Object: "release", Reason: fmt.Sprintf("got %d .gguf files, want one: name it by its path", len(names))}
	}
	n, err := strconv.Atoi(m[3])
	if err != nil || n > MaxShards || n != len(names) {
		return nil, &FormatError{File: names[0], Object: "release", Reason: fmt.Sprintf("got %d .gguf files, want %s shards (at most %d)", len(names), m[3], MaxShards)}
	}
	out := make([]File, n)
	for i := range out {
		want := fmt.Sprintf("%s-%05d-of-%s.gguf", m[1], i+1, m[3])
		f, ok := byName[want]
		if !ok {
			return nil, &FormatError{File: want, Object: "release", Reason: "the shard is missing"}
		}
		out[i] = f
	}
	return out, nil
}

// readGGUFSplit reads the shards of a split release. The first has the
// metadata; each says which it is, and the number of tensors in all.
func readGGUFSplit(files []File) (*Header, error) {
	var h *Header
	for i, f := range files {
		one, err := readGGUF(f)
		if err != nil {
			return nil, err
		}
		no, ok1 := wholeKey(one.Metadata, "split.no")
		count, ok2 := wholeKey(one.Metadata, "split.count")
		if !ok1 || !ok2 || no != int64(i) || count != int64(len(files)) {
			return nil, headerError(f, "got split.no %v and split.count %v, want %d and %d", one.Metadata["split.no"], one.Metadata["split.count"], i, len(files))
		}
		if h == nil {
			h = one
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(one.Tensors)) {
			t := one.Tensors[name]
			t.file = i
			if err := h.add(f, t); err != nil {
				return nil, err
			}
		}
	}
	if want, ok := wholeKey(h.Metadata, "split.tensors.count"); !ok || want != int64(len(h.Tensors)) {
		return nil, headerError(files[0], "got %d tensors in all shards, want split.tensors.count %v", len(h.Tensors), h.Metadata["split.tensors.count"])
	}
	return h, nil
}

// isShard tells a part of a split release that lost its name.
func (h *Header) isShard() bool {
	n, ok := wholeKey(h.Metadata, "split.count")
	return ok && n > 1
}

// wholeKey is a whole number among the metadata, of whatever width.
func wholeKey(md map[string]any, key string) (int64, bool) {
	switch v := md[key].(type) {
	case uint16:
		return int64(v), true
	case uint32:
		return int64(v), true
	case int32:
		return int64(v), true
	case uint64:
		return int64(v & (1<<62 - 1)), v < 1<<62
	}
	return 0, false
}
