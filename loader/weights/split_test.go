package weights

import (
	"fmt"
	"slices"
	"testing"
)

// shard is one file of a split release: count shards of one tensor each.
func shard(no, count, tensors int, name string) *ggufFile {
	return newGGUF().
		key("general.architecture", ggufString, "llama").
		key("split.no", ggufUint16, uint16(no)).
		key("split.count", ggufUint16, uint16(count)).
		key("split.tensors.count", ggufInt32, int32(tensors)).
		tensor(name, uint32(F32), make([]byte, 4), 1)
}

// splitName is the name of shard no of count.
func splitName(no, count int) string { return fmt.Sprintf("m-%05d-of-%05d.gguf", no, count) }

// soundSplit is a release in three files.
func soundSplit() map[string][]byte {
	out := map[string][]byte{"README.md": nil}
	for i, name := range []string{"a", "b", "c"} {
		out[splitName(i+1, 3)] = shard(i, 3, 3, name).bytes()
	}
	return out
}

func TestSplit(t *testing.T) {
	h, err := ReadHeader(inMemory(soundSplit()))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(names(h), []string{"a", "b", "c"}) || len(h.files) != 3 || !h.Interleaved || h.Tensors["c"].file != 2 || h.Layout != "gguf" {
		t.Errorf("got tensors %v of %d files", names(h), len(h.files))
	}
}

// TestSplitBad wants a release refused in which shards are missing, doubled or
// of another model.
func TestSplitBad(t *testing.T) {
	for name, c := range map[string]struct {
		change func(map[string][]byte)
		want   string
	}{
		"one missing": {func(f map[string][]byte) { delete(f, splitName(2, 3)) }, "got 2 .gguf files, want 00003 shards"},
		"another":     {func(f map[string][]byte) { f["other.gguf"] = soundGGUF().bytes() }, "got 4 .gguf files"},
		"misnamed":    {func(f map[string][]byte) { f["x"+splitName(2, 3)] = f[splitName(2, 3)]; delete(f, splitName(2, 3)) }, splitName(2, 3) + ": release: the shard is missing"},
		"changed places": {func(f map[string][]byte) {
			f[splitName(1, 3)], f[splitName(2, 3)] = f[splitName(2, 3)], f[splitName(1, 3)]
		}, "split.no 1"},
		"of another split":  {func(f map[string][]byte) { f[splitName(2, 3)] = shard(1, 4, 3, "b").bytes() }, "split.count 4"},
		"not split":         {func(f map[string][]byte) { f[splitName(2, 3)] = soundGGUF().bytes() }, "split.no <nil>"},
		"same tensor":       {func(f map[string][]byte) { f[splitName(2, 3)] = shard(1, 3, 3, "a").bytes() }, "two tensors"},
		"number of tensors": {func(f map[string][]byte) { f[splitName(1, 3)] = shard(0, 3, 4, "a").bytes() }, "got 3 tensors in all shards, want split.tensors.count 4"},
		"broken":            {func(f map[string][]byte) { f[splitName(2, 3)] = nil }, "cut short"},
		"one alone": {func(f map[string][]byte) {
			clear(f)
			f["m.gguf"] = shard(0, 3, 3, "a").bytes()
		}, "got one shard of 3"},
		"count of 5000": {func(f map[string][]byte) {
			clear(f)
			f[splitName(1, 5000)] = nil
		}, "want 05000 shards (at most 1000)"},
	} {
		t.Run(name, func(t *testing.T) {
			files := soundSplit()
			c.change(files)
			_, err := ReadHeader(inMemory(files))
			wantError(t, err, c.want)
		})
	}
}

func TestSameRelease(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{splitName(1, 3), splitName(3, 3), true},
		{splitName(1, 3), splitName(1, 4), false},
		{splitName(1, 3), "x" + splitName(1, 3), false},
		{"m.gguf", "m.gguf", false},
		{"consolidated.00.pth", "consolidated.07.pth", true},
		{"consolidated.00.pth", "consolidated.safetensors", false},
		{"consolidated-00001-of-00002.safetensors", "consolidated-00002-of-00002.safetensors", true},
	} {
		if got := SameRelease(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: got %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
