package magnets

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// v1Info is a small valid v1 dictionary that tests spoil.
func v1Info() dict {
	return dict{
		"name":         "x",
		"piece length": int64(16 << 10),
		"pieces":       strings.Repeat("h", 20),
		"files": []any{
			dict{"length": int64(5), "path": []any{"a", "b.txt"}},
			dict{"length": int64(7), "path": []any{"c.txt"}},
		},
	}
}

func TestParseInfoReads(t *testing.T) {
	d := v1Info()
	d["private"] = int64(1)
	d["blake3"] = strings.Repeat("1", 32) + strings.Repeat("2", 32)
	d["unknown"] = []any{dict{}}
	info, err := ParseInfo(appendBencode(nil, d))
	if err != nil {
		t.Fatal(err)
	}
	if info.Files[0].Path != "a/b.txt" || info.Files[1].Size != 7 || info.Length() != 12 || info.Pieces != 1 || !info.Private {
		t.Errorf("got %+v", info)
	}
	if info.Files[1].Blake3 != [32]byte([]byte(strings.Repeat("2", 32))) {
		t.Errorf("digest %x", info.Files[1].Blake3)
	}
}

func TestParseInfoSingleFile(t *testing.T) {
	d := v1Info()
	delete(d, "files")
	d["length"] = int64(12)
	info, err := ParseInfo(appendBencode(nil, d))
	if err != nil {
		t.Fatal(err)
	}
	if !info.SingleFile || len(info.Files) != 1 || info.Files[0].Path != "x" {
		t.Errorf("got %+v", info)
	}
}

func TestParseInfoPads(t *testing.T) {
	d := v1Info()
	d["files"] = []any{
		dict{"length": int64(5), "path": []any{"a"}},
		dict{"length": int64(16<<10 - 5), "path": []any{".pad", "1"}, "attr": "p"},
		dict{"length": int64(7), "path": []any{"b"}, "attr": "x"},
		dict{"length": int64(16<<10 - 7), "path": []any{".pad", "1"}, "attr": "p"},
	}
	d["pieces"] = strings.Repeat("h", 40)
	d["blake3"] = strings.Repeat("1", 64)
	info, err := ParseInfo(appendBencode(nil, d))
	if err != nil {
		t.Fatal(err)
	}
	if !info.Files[1].Pad || info.Files[2].Pad || info.Files[2].Blake3 == [32]byte{} {
		t.Errorf("got %+v", info.Files)
	}
}

func TestParseInfoRefuses(t *testing.T) {
	file := func(size int64, path ...string) dict { return dict{"length": size, "path": anySlice(path)} }
	files := func(f ...any) func(dict) { return func(d dict) { d["files"] = f } }
	set := func(key string, v any) func(dict) { return func(d dict) { d[key] = v } }
	many := make([]any, MaxFiles+1)
	for i := range many {
		many[i] = file(1, fmt.Sprint(i))
	}
	for name, spoil := range map[string]func(dict){
		"dot dot":             files(file(12, "..", "passwd")),
		"absolute":            files(file(12, "", "etc", "passwd")),
		"slash in segment":    files(file(12, "a/b")),
		"backslash":           files(file(12, `a\b`)),
		"dot":                 files(file(12, ".", "a")),
		"empty path":          files(file(12)),
		"control":             files(file(12, "a\x1b[31m")),
		"newline":             files(file(12, "a\n")),
		"nul":                 files(file(12, "a\x00b")),
		"bidi":                files(file(12, "a\u202etxt.exe")),
		"not UTF-8":           files(file(12, "a\xff")),
		"device":              files(file(12, "aux.txt")),
		"device superscript":  files(file(12, "COM¹")),
		"stream":              files(file(12, "a:b")),
		"trailing dot":        files(file(12, "a.")),
		"trailing space":      files(file(12, "a ", "b")),
		"long path":           files(file(12, strings.Repeat("a", 250), strings.Repeat("b", 250), strings.Repeat("c", 250), strings.Repeat("d", 250), strings.Repeat("e", 250))),
		"long segment":        files(file(12, strings.Repeat("a", 256))),
		"deep path":           files(file(12, strings.Split(strings.Repeat("a ", 70)+"a", " ")...)),
		"twin":                files(file(5, "a"), file(7, "a")),
		"case twin":           files(file(5, "Model.bin"), file(7, "model.BIN")),
		"sharp s twin":        files(file(5, "straße"), file(7, "STRASSE")),
		"NFC twin":            files(file(5, "e\u0301"), file(7, "\u00e9")),
		"file and directory":  files(file(5, "a"), file(7, "a", "b")),
		"directory and file":  files(file(5, "a", "b"), file(7, "A")),
		"symlink attr":        files(dict{"length": int64(12), "path": []any{"a"}, "attr": "l"}),
		"symlink path":        files(dict{"length": int64(12), "path": []any{"a"}, "symlink path": []any{"b"}}),
		"negative length":     files(file(-1, "a"), file(13, "b")),
		"overflowing length":  files(file(1<<62, "a"), file(1<<62, "b"), file(1<<62, "c"), file(1<<62, "d")),
		"no length":           files(dict{"path": []any{"a"}}),
		"text length":         files(dict{"path": []any{"a"}, "length": "12"}),
		"10001 files":         files(many...),
		"pieces times files":  files(append(many[:MaxFiles-1:MaxFiles-1], file(50_000*16<<10, "x"))...),
		"only empty files":    files(file(0, "a")),
		"no files":            files(),
		"files no list":       set("files", "x"),
		"files and length":    set("length", int64(12)),
		"piece length 0":      set("piece length", int64(0)),
		"piece length -1":     set("piece length", int64(-16384)),
		"small pieces":        set("piece length", int64(8192)),
		"huge pieces":         set("piece length", int64(128<<20)),
		"missing hashes":      set("pieces", ""),
		"too many hashes":     set("pieces", strings.Repeat("h", 40)),
		"torn hash":           set("pieces", strings.Repeat("h", 19)),
		"name dot dot":        set("name", ".."),
		"name slash":          set("name", "a/b"),
		"name control":        set("name", "a\x07"),
		"name empty":          set("name", ""),
		"meta version 3":      set("meta version", int64(3)),
		"v2 without tree":     set("meta version", int64(2)),
		"short blake3":        set("blake3", strings.Repeat("1", 63)),
		"long blake3":         set("blake3", strings.Repeat("1", 65)),
		"blake3 no string":    set("blake3", int64(1)),
		"pad longer than one": files(file(12, "a"), dict{"length": int64(32 << 10), "path": []any{"p"}, "attr": "p"}),
	} {
		d := v1Info()
		spoil(d)
		info, err := ParseInfo(appendBencode(nil, d))
		var bad *InfoError
		if !errors.As(err, &bad) {
			t.Errorf("%s: got %+v, %v; want an InfoError", name, info, err)
		}
	}
}

func TestParseInfoRefusesBencode(t *testing.T) {
	good := appendBencode(nil, v1Info())
	if _, err := ParseInfo(good); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"empty":          nil,
		"list":           []byte("le"),
		"cut":            good[:len(good)-1],
		"tail":           append(bytes.Clone(good), 'x'),
		"nested":         bytes.Repeat([]byte("l"), 1<<20),
		"many":           append(append([]byte("d1:al"), bytes.Repeat([]byte("0:"), 1<<20)...), "ee"...),
		"leading zero":   []byte("d1:ai01ee"),
		"minus zero":     []byte("d1:ai-0ee"),
		"no number":      []byte("d1:aiee"),
		"huge number":    []byte("d1:ai99999999999999999999ee"),
		"long string":    []byte("d9999999999:ae"),
		"minus string":   []byte("d-1:ae"),
		"key no string":  []byte("di1ei2ee"),
		"key twice":      []byte("d1:ai1e1:ai2ee"),
		"key no value":   []byte("d1:ae"),
		"too many bytes": make([]byte, MaxInfoBytes+1),
	} {
		if _, err := ParseInfo(b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// v2Info is a v2 dictionary of one file longer than a piece and one shorter,
// and hybrid adds the v1 half.
func v2Info() dict {
	return dict{
		"name": "x", "piece length": int64(16 << 10), "meta version": int64(2),
		"file tree": dict{
			"a": dict{"": dict{"length": int64(20_000), "pieces root": strings.Repeat("r", 32)}},
			"d": dict{"b": dict{"": dict{"length": int64(3), "pieces root": strings.Repeat("s", 32)}}},
			"e": dict{"": dict{"length": int64(0)}},
		},
	}
}

func hybrid() dict {
	d := v2Info()
	d["pieces"] = strings.Repeat("h", 60)
	d["files"] = []any{
		dict{"length": int64(20_000), "path": []any{"a"}},
		dict{"length": int64(2*16<<10 - 20_000), "path": []any{".pad", "12768"}, "attr": "p"},
		dict{"length": int64(3), "path": []any{"d", "b"}},
		dict{"length": int64(0), "path": []any{"e"}},
	}
	return d
}

func TestParseInfoV2AndHybrid(t *testing.T) {
	v2, err := ParseInfo(appendBencode(nil, v2Info()))
	if err != nil {
		t.Fatal(err)
	}
	both, err := ParseInfo(appendBencode(nil, hybrid()))
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range []*Info{v2, both} {
		if info.Pieces != 3 || len(info.Files) != 4 || !info.Files[1].Pad || info.Files[2].Path != "d/b" || info.SingleFile {
			t.Errorf("got %+v", info)
		}
	}
	if v2.V1 || !v2.V2 || !both.V1 || !both.V2 || v2.ShortHash() != v2.InfoHashV2.Short() || both.ShortHash() != both.InfoHash {
		t.Errorf("versions: %v %v, %v %v", v2.V1, v2.V2, both.V1, both.V2)
	}
}

func TestParseInfoRefusesV2(t *testing.T) {
	leaf := func(size int64, root string) dict {
		d := dict{"length": size}
		if root != "" {
			d["pieces root"] = root
		}
		return dict{"": d}
	}
	root := strings.Repeat("r", 32)
	tree := func(d dict) func(dict) { return func(i dict) { i["file tree"] = d } }
	for name, spoil := range map[string]func(dict){
		"empty tree":         tree(dict{}),
		"empty directory":    tree(dict{"a": dict{}}),
		"root properties":    tree(dict{"": dict{"length": int64(1), "pieces root": root}}),
		"file and directory": tree(dict{"a": dict{"": dict{"length": int64(1), "pieces root": root}, "b": leaf(1, root)}}),
		"no root":            tree(dict{"a": leaf(1, "")}),
		"short root":         tree(dict{"a": leaf(1, "r")}),
		"root of nothing":    tree(dict{"a": leaf(0, root), "b": leaf(1, root)}),
		"negative":           tree(dict{"a": leaf(-1, root)}),
		"overflow":           tree(dict{"a": leaf(1<<62, root), "b": leaf(1<<62, root)}),
		"dot dot":            tree(dict{"..": leaf(1, root)}),
		"slash":              tree(dict{"a/b": leaf(1, root)}),
		"case twin":          tree(dict{"a": leaf(1, root), "A": leaf(1, root)}),
		"symlink":            tree(dict{"a": dict{"": dict{"length": int64(1), "pieces root": root, "symlink path": []any{"b"}}}}),
		"odd piece length":   func(i dict) { i["piece length"] = int64(17 << 10) },
		"lists differ":       func(i dict) { i["files"] = []any{dict{"length": int64(12), "path": []any{"a"}}} },
	} {
		d := v2Info()
		spoil(d)
		if info, err := ParseInfo(appendBencode(nil, d)); err == nil {
			t.Errorf("%s: got %+v, want an error", name, info)
		}
	}
}

func FuzzParseInfo(f *testing.F) {
	golden, err := os.ReadFile("testdata/golden.info")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	for _, d := range []dict{v1Info(), v2Info(), hybrid()} {
		f.Add(appendBencode(nil, d))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := ParseInfo(b)
		if err != nil {
			return
		}
		var n int64
		set := newPathSet()
		for _, file := range info.Files {
			if file.Size < 0 {
				t.Fatalf("size %d", file.Size)
			}
			n += file.Size
			if file.Pad {
				continue
			}
			if err := checkPath(file.Path); err != nil {
				t.Fatal(err)
			}
			if err := set.add(file.Path); err != nil {
				t.Fatal(err)
			}
		}
		if n != info.Length() || n <= int64(info.Pieces-1)*info.PieceLength || n > int64(info.Pieces)*info.PieceLength {
			t.Fatalf("%d bytes in %d pieces of %d", n, info.Pieces, info.PieceLength)
		}
	})
}
