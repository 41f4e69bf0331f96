package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdTorrent writes a .torrent as a stranger could make it: torrent KIND FILE
func cmdTorrent(ts *testscript.TestScript, _ bool, args []string) {
	build, ok := torrents[args[0]]
	if !ok {
		ts.Fatalf("unknown kind of torrent %q", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), bencode(map[string]any{"info": build()}), 0o600))
}

// torrents are infos that must be refused, each for one reason, beside a sound
// one.
var torrents = map[string]func() map[string]any{
	"sound":     func() map[string]any { return info(16384, "a.txt") },
	"dotdot":    func() map[string]any { return info(16384, "../a.txt") },
	"absolute":  func() map[string]any { return info(16384, "/etc/passwd") },
	"twins":     func() map[string]any { return info(16384, "a.txt", "A.TXT") },
	"forms":     func() map[string]any { return info(16384, "\u00e9.txt", "e\u0301.txt") },
	"digests":   func() map[string]any { i := info(16384, "a.txt"); i["blake3"] = "short"; return i },
	"nopiece":   func() map[string]any { return info(0, "a.txt") },
	"namedots":  func() map[string]any { i := info(16384, "a.txt"); i["name"] = ".."; return i },
	"backslash": func() map[string]any { return info(16384, `a\b.txt`) },
	"negative": func() map[string]any {
		i := info(16384, "a.txt")
		i["files"].([]any)[0].(map[string]any)["length"] = -1
		return i
	},
	"toomany": func() map[string]any {
		names := make([]string, 10_001)
		for i := range names {
			names[i] = fmt.Sprintf("%05d", i)
		}
		return info(16384, names...)
	},
}

// info describes files of 4 bytes each.
func info(pieceLength int, names ...string) map[string]any {
	var files []any
	for _, name := range names {
		path := []any{name}
		if !strings.HasPrefix(name, "/") {
			path = path[:0]
			for seg := range strings.SplitSeq(name, "/") {
				path = append(path, seg)
			}
		}
		files = append(files, map[string]any{"length": 4, "path": path})
	}
	pieces := 1
	if pieceLength > 0 {
		pieces = (4*len(names) + pieceLength - 1) / pieceLength
	}
	return map[string]any{
		"name": "bad", "piece length": pieceLength, "files": files,
		"pieces": strings.Repeat("\x01", 20*pieces),
	}
}

// bencode writes strings, ints, lists and dictionaries.
func bencode(v any) []byte {
	var b bytes.Buffer
	switch v := v.(type) {
	case string:
		fmt.Fprintf(&b, "%d:%s", len(v), v)
	case int:
		fmt.Fprintf(&b, "i%de", v)
	case []any:
		b.WriteByte('l')
		for _, e := range v {
			b.Write(bencode(e))
		}
		b.WriteByte('e')
	case map[string]any:
		b.WriteByte('d')
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			b.Write(bencode(k))
			b.Write(bencode(v[k]))
		}
		b.WriteByte('e')
	}
	return b.Bytes()
}
