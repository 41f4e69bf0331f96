package weights

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// indexFile is the Hub's list of tensors and the shards they lie in.
const indexFile = "model.safetensors.index.json"

// MaxShards bounds the weight files of a release.
const MaxShards = 1000

// ReadHeader reads the headers of the weight files among files. They are the
// first of these that is there: one .gguf, or the shards of a split one; the
// safetensors shards that model.safetensors.index.json names;
// model.safetensors; the consolidated files beside params.json; the only
// .safetensors file. It reads nothing else and maps nothing. Errors about the
// content are *FormatError.
func ReadHeader(files []File) (*Header, error) {
	byName := map[string]File{}
	for _, f := range files {
		byName[f.Path] = f
	}
	h, err := readRelease(files, byName)
	if err != nil {
		return nil, err
	}
	return h, h.attach(byName)
}

// readRelease reads the headers of whatever layout files has.
func readRelease(files []File, byName map[string]File) (*Header, error) {
	var gguf, tensors []string
	for _, f := range files {
		switch path.Ext(f.Path) {
		case ".gguf":
			gguf = append(gguf, f.Path)
		case ".safetensors":
			tensors = append(tensors, f.Path)
		}
	}
	if len(gguf) > 0 {
		return readGGUFRelease(gguf, byName)
	}
	if f, ok := byName[indexFile]; ok {
		return readShards(f, byName)
	}
	if f, ok := byName["model.safetensors"]; ok {
		return readOne(f)
	}
	if list, err := consolidatedFiles(byName); err != nil || list != nil {
		if err != nil {
			return nil, err
		}
		return readConsolidated(list)
	}
	switch len(tensors) {
	case 0:
		return nil, ErrNoWeights
	case 1:
		return readOne(byName[tensors[0]])
	}
	return nil, &FormatError{File: tensors[0], Object: "release", Reason: fmt.Sprintf("got %d .safetensors files without %s, want it or one file", len(tensors), indexFile)}
}

// readGGUFRelease reads the only .gguf file, or the shards of a split one.
func readGGUFRelease(names []string, byName map[string]File) (*Header, error) {
	list := []File{byName[names[0]]}
	var h *Header
	var err error
	if len(names) > 1 || ggufSplit.MatchString(names[0]) {
		if list, err = ggufShards(names, byName); err == nil {
			h, err = readGGUFSplit(list)
		}
	} else if h, err = readGGUF(list[0]); err == nil && h.isShard() {
		err = headerError(list[0], "got one shard of %v, want all, named as they were split", h.Metadata["split.count"])
	}
	if err != nil {
		return nil, err
	}
	h.files = list
	// Files of these architectures carry rotary pairs side by side; all others
	// keep the Hub's halves.
	switch h.Metadata["general.architecture"] {
	case "llama", "mistral3", "deepseek2", "granite", "smollm3":
		h.Interleaved = true
	}
	return h, nil
}

func readOne(f File) (*Header, error) {
	h := &Header{Format: "safetensors", Layout: "hub", Tensors: map[string]Tensor{}, files: []File{f}}
	return h, h.readSafetensors(f, 0)
}

// readShards reads the shards that an index names and checks that every tensor
// lies where the index says.
func readShards(index File, byName map[string]File) (*Header, error) {
	where, err := readIndex(index)
	if err != nil {
		return nil, err
	}
	shards := slices.Compact(slices.Sorted(maps.Values(where)))
	if len(shards) > MaxShards {
		return nil, headerError(index, "got %d shards, want at most %d", len(shards), MaxShards)
	}
	h := &Header{Format: "safetensors", Layout: "hub", Tensors: map[string]Tensor{}}
	for i, name := range shards {
		f, ok := byName[name]
		if !ok || !strings.HasSuffix(name, ".safetensors") {
			return nil, headerError(index, "got a shard %.80q that is not among the release's .safetensors files", name)
		}
		if err := h.readSafetensors(f, i); err != nil {
			return nil, err
		}
		h.files = append(h.files, f)
	}
	for name, shard := range where {
		t, ok := h.Tensors[name]
		if !ok || h.files[t.file].Path != shard {
			return nil, headerError(index, "got tensor %.80q in shard %.80q, but it is not there", name, shard)
		}
	}
	return h, nil
}
