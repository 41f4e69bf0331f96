package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestSafetensors(t *testing.T) {
	file := safetensorsFile(soundHeader, 26)
	for _, name := range []string{"model.safetensors", "other.safetensors"} {
		h, err := ReadHeader(inMemory(map[string][]byte{name: file, "config.json": []byte("{}")}))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(names(h), []string{"empty", "scalar", "x"}) || h.Interleaved || h.Format != "safetensors" {
			t.Errorf("got tensors %v, interleaved %v, format %s", names(h), h.Interleaved, h.Format)
		}
		x, s := h.Tensors["x"], h.Tensors["scalar"]
		if !slices.Equal(x.Shape, []int{2, 3}) || x.Type != F32 || x.Len() != 6 || x.Size() != 24 {
			t.Errorf("got %s", describe(x))
		}
		if len(s.Shape) != 0 || s.Type != BF16 || s.Len() != 1 || s.offset != x.offset+24 {
			t.Errorf("got %s", describe(s))
		}
	}
}

// TestTied reads names that only the metadata has.
func TestTied(t *testing.T) {
	b := safetensorsFile(`{"__metadata__":{"format":"pt","y":"x","z":"x","x":"z","gone":"nowhere"},`+
		`"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8)
	h, err := ReadHeader(inMemory(map[string][]byte{"model.safetensors": b}))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(names(h), []string{"x", "y", "z"}) || h.Parameters() != 2 || h.Bytes() != 8 || h.Tensors["y"].offset != h.Tensors["x"].offset {
		t.Errorf("got tensors %v, %d parameters, %d bytes", names(h), h.Parameters(), h.Bytes())
	}
}

// one is a header of one tensor.
func one(dtype, shape, offsets string) string {
	return fmt.Sprintf(`{"x":{"dtype":%q,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
}

// safetensorsAttacks lists what a hostile file may try.
func safetensorsAttacks() map[string]attack {
	size := func(n uint64, rest string) []byte { return append(binary.LittleEndian.AppendUint64(nil, n), rest...) }
	return map[string]attack{
		"empty":            {nil, "cut short"},
		"7 bytes":          {make([]byte, 7), "cut short"},
		"header of 1 GB":   {size(1<<30, "{}"), "want at most 100000000"},
		"header of 2^63":   {size(1<<63, "{}"), "want at most 100000000"},
		"header too long":  {size(3, "{}"), "cut short"},
		"no JSON":          {size(4, "abcd"), "JSON object"},
		"space first":      {safetensorsFile(" {}", 0), "JSON object"},
		"list":             {safetensorsFile("[]", 0), "JSON object"},
		"unfinished":       {safetensorsFile(`{"x":{"dtype"`, 0), "JSON"},
		"two objects":      {safetensorsFile("{}{}", 0), "more after"},
		"metadata":         {safetensorsFile(`{"__metadata__":{"a":1}}`, 0), "JSON"},
		"16 MB of spaces":  {safetensorsFile("{"+strings.Repeat(" ", 16<<20)+"}", 0), "more than 4194304 bytes"},
		"a name of 16 MB":  {safetensorsFile(`{"`+strings.Repeat("x", 16<<20)+`":1}`, 0), "more than 4194304 bytes"},
		"16 MB of text":    {safetensorsFile(`{"__metadata__":{"a":"`+strings.Repeat(`\"},`, 4<<20)+`"}}`, 0), "more than 4194304 bytes"},
		"16 MB of lists":   {safetensorsFile(`{"x":{"shape":[`+strings.Repeat("1,", 8<<20)+`1]}}`, 0), "more than 4194304 bytes"},
		"metadata twice":   {safetensorsFile(`{"__metadata__":{},"__metadata__":{}}`, 0), "twice"},
		"entry a list":     {safetensorsFile(`{"x":[]}`, 0), "JSON"},
		"deep":             {safetensorsFile(`{"x":`+strings.Repeat("[", 20000), 0), "JSON"},
		"dtype":            {safetensorsFile(one("Q4_0", "[1]", "[0,4]"), 4), "unknown dtype"},
		"dimensions":       {safetensorsFile(one("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4), "9 dimensions"},
		"negative":         {safetensorsFile(one("F32", "[-1]", "[0,4]"), 4), "dimension of -1"},
		"dimension":        {safetensorsFile(one("F32", "[9223372036854775807]", "[0,4]"), 4), "dimension of"},
		"dimension 2^64":   {safetensorsFile(one("F32", "[18446744073709551616]", "[0,4]"), 4), "JSON"},
		"dimension 1.5":    {safetensorsFile(one("F32", "[1.5]", "[0,4]"), 4), "JSON"},
		"overflow":         {safetensorsFile(one("F32", "[2147483647,2147483647,2147483647]", "[0,4]"), 4), "overflows"},
		"overflow to 0":    {safetensorsFile(one("F32", "[65536,65536,65536,65536]", "[0,0]"), 0), "overflows"},
		"offsets reversed": {safetensorsFile(one("F32", "[1]", "[4,0]"), 4), "data_offsets"},
		"one offset":       {safetensorsFile(one("F32", "[1]", "[0]"), 4), "data_offsets"},
		"negative offset":  {safetensorsFile(one("F32", "[1]", "[-4,0]"), 4), "JSON"},
		"offset 2^63":      {safetensorsFile(one("F32", "[1]", "[9223372036854775808,9223372036854775812]"), 4), "data_offsets"},
		"wrong size":       {safetensorsFile(one("F32", "[2]", "[0,4]"), 4), "want 8"},
		"cut short":        {safetensorsFile(one("F32", "[2]", "[0,8]"), 7), "cut short"},
		"bytes left over":  {safetensorsFile(one("F32", "[2]", "[0,8]"), 9), "end of the file"},
		"hole at start":    {safetensorsFile(one("F32", "[2]", "[4,12]"), 12), "want 0"},
		"no name":          {safetensorsFile(`{"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4), "name of 0 bytes"},
		"long name":        {safetensorsFile(`{"`+strings.Repeat("x", MaxName+1)+`":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4), "a name of"},
		"twice": {safetensorsFile(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},`+
			`"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), "two tensors"},
		"overlap": {safetensorsFile(`{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},`+
			`"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), "want 8"},
		"same place": {safetensorsFile(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},`+
			`"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4), "want 4"},
		"hole": {safetensorsFile(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},`+
			`"y":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}`, 12), "want 4"},
	}
}

// TestSafetensorsBad wants every attack refused.
func TestSafetensorsBad(t *testing.T) {
	for name, c := range safetensorsAttacks() {
		t.Run(name, func(t *testing.T) {
			err := readHeader(t, map[string][]byte{"model.safetensors": c.file})
			wantError(t, err, "read model.safetensors", c.want)
			var f *FormatError
			if !errors.As(err, &f) || f.Offset == 0 && !strings.Contains(c.want, "want at most 100000000") && !strings.Contains(c.want, "cut short") {
				t.Errorf("got %v, want a *FormatError with an offset", err)
			}
		})
	}
}

func TestShards(t *testing.T) {
	shard := func(name string) []byte {
		return safetensorsFile(strings.Replace(one("F32", "[1]", "[0,4]"), `"x"`, `"`+name+`"`, 1), 4)
	}
	sound := map[string][]byte{
		"a.safetensors": shard("x"), "b.safetensors": shard("y"),
		indexFile: []byte(`{"metadata":{"total_size":8},"weight_map":{"x":"a.safetensors","y":"b.safetensors"}}`),
	}
	h, err := ReadHeader(inMemory(sound))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(names(h), []string{"x", "y"}) || len(h.files) != 2 {
		t.Errorf("got tensors %v of %d files", names(h), len(h.files))
	}
	for name, c := range map[string]struct{ file, content, want string }{
		"no JSON":          {indexFile, `{`, "JSON"},
		"no map":           {indexFile, `{}`, "weight_map"},
		"missing shard":    {indexFile, `{"weight_map":{"x":"a.safetensors","y":"c.safetensors"}}`, "c.safetensors"},
		"outside":          {indexFile, `{"weight_map":{"x":"../a.safetensors"}}`, "not among"},
		"the index itself": {indexFile, `{"weight_map":{"x":"` + indexFile + `"}}`, "not among"},
		"missing tensor":   {indexFile, `{"weight_map":{"x":"a.safetensors","z":"b.safetensors"}}`, `"z"`},
		"wrong shard":      {indexFile, `{"weight_map":{"x":"b.safetensors","y":"a.safetensors"}}`, "not there"},
		"tensor in two":    {"b.safetensors", string(shard("x")), "two tensors"},
		"broken shard":     {"b.safetensors", "", "cut short"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string][]byte{}
			for k, v := range sound {
				files[k] = v
			}
			files[c.file] = []byte(c.content)
			_, err := ReadHeader(inMemory(files))
			wantError(t, err, c.want)
		})
	}
}

func TestRelease(t *testing.T) {
	st := safetensorsFile(soundHeader, 26)
	gguf := soundGGUF().bytes()
	for name, c := range map[string]struct {
		files map[string][]byte
		want  string // of the error; "" for none
	}{
		"none":                   {map[string][]byte{"README.md": nil}, "no .gguf or .safetensors"},
		"two gguf":               {map[string][]byte{"a.gguf": gguf, "b.gguf": gguf}, "2 .gguf files"},
		"two safetensors":        {map[string][]byte{"a.safetensors": st, "b.safetensors": st}, "2 .safetensors files"},
		"model.safetensors wins": {map[string][]byte{"model.safetensors": st, "consolidated.safetensors": nil}, ""},
		"gguf wins":              {map[string][]byte{"a.gguf": gguf, "model.safetensors": nil}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadHeader(inMemory(c.files))
			if c.want != "" {
				wantError(t, err, c.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func FuzzSafetensors(f *testing.F) {
	f.Add([]byte(soundHeader), 26)
	f.Add([]byte(one("F32", "[2]", "[0,8]")), 8)
	f.Add([]byte("{}"), 0)
	for _, c := range safetensorsAttacks() {
		if len(c.file) > 8 && binary.LittleEndian.Uint64(c.file) <= uint64(len(c.file)-8) {
			n := binary.LittleEndian.Uint64(c.file)
			f.Add(c.file[8:8+min(n, 1<<16)], len(c.file)-8-int(n))
		}
	}
	f.Fuzz(func(t *testing.T, header []byte, data int) {
		data = max(data, 0) % 4096
		b := safetensorsFile(string(header), data)
		h, err := ReadHeader(inMemory(map[string][]byte{"model.safetensors": b}))
		if err == nil {
			checkPlaces(t, h, len(b))
		}
	})
}

func FuzzIndex(f *testing.F) {
	shard := safetensorsFile(one("F32", "[1]", "[0,4]"), 4)
	f.Add([]byte(`{"weight_map":{"x":"a.safetensors"}}`))
	f.Fuzz(func(t *testing.T, index []byte) {
		h, err := ReadHeader(inMemory(map[string][]byte{indexFile: index, "a.safetensors": shard}))
		if err == nil && (len(h.Tensors) != 1 || !bytes.Contains(index, []byte("a.safetensors"))) {
			t.Errorf("got tensors %v for index %q", names(h), index)
		}
	})
}
