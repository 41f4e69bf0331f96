package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"samara/registry/journal"
	"samara/verify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() }) // some tests have closed it
	return j
}

func add(t *testing.T, j *journal.Journal, n int) {
	t.Helper()
	for range n {
		seq, _ := j.Head()
		if _, err := j.Append("test.op", "me", map[string]any{"n": seq + 1, "odd": `,"hash":"<&`}); err != nil {
			t.Fatal(err)
		}
	}
}

func entries(t *testing.T, j *journal.Journal, from uint64) []journal.Entry {
	t.Helper()
	var all []journal.Entry
	if err := j.Read(from, func(e journal.Entry) error { all = append(all, e); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func file(dir string) string { return filepath.Join(dir, "journal.jsonl") }

func read(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(file(dir))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, dir string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file(dir), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAppendAndRead(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	j.SetClock(func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6789, time.FixedZone("x", 3600)) })
	add(t, j, 3)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append("test.op", "me", 1); !errors.Is(err, os.ErrClosed) {
		t.Errorf("append after close: got %v", err)
	}
	j = open(t, dir)
	add(t, j, 2)
	all := entries(t, j, 0)
	if len(all) != 5 || j.Cut() != 0 {
		t.Fatalf("got %d entries, %d bytes cut", len(all), j.Cut())
	}
	var prev verify.Digest
	for i, e := range all {
		var data struct{ N int }
		if err := json.Unmarshal(e.Data, &data); err != nil || data.N != i+1 || e.Seq != uint64(i+1) || e.Prev != prev || e.Op != "test.op" || e.Actor != "me" {
			t.Errorf("entry %d: got %+v, %v", i+1, e, err)
		}
		prev = e.Hash
	}
	if got := all[0].Time.Format(time.RFC3339Nano); got != "2026-01-02T02:04:05.000006Z" {
		t.Errorf("time: got %s", got)
	}
	if got := entries(t, j, 4); len(got) != 2 || got[0].Seq != 4 {
		t.Errorf("from 4: got %d entries", len(got))
	}
	if seq, hash := j.Head(); seq != 5 || hash != prev {
		t.Errorf("head: got %d %s", seq, hash)
	}
	stop := errors.New("enough")
	if err := j.Read(0, func(journal.Entry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("stopped: got %v", err)
	}
}

// The hash of a line can be checked without this program.
func TestHashByB3sum(t *testing.T) {
	if _, err := exec.LookPath("b3sum"); err != nil {
		t.Skip("b3sum is not installed")
	}
	dir := t.TempDir()
	j := open(t, dir)
	add(t, j, 2)
	lines := bytes.SplitAfter(read(t, dir), []byte("\n"))
	body, _, _ := bytes.Cut(lines[1], []byte(`,"hash":"blake3:`))
	cmd := exec.CommandContext(t.Context(), "b3sum", "--no-names")
	cmd.Stdin = bytes.NewReader(body)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, hash := j.Head(); strings.TrimSpace(string(out)) != hash.Hex() {
		t.Errorf("b3sum says %s, the line %s", out, hash)
	}
}

// Whatever part of a last line is on the disk, all lines before it stay.
func TestTornLastLine(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	add(t, j, 2)
	two := read(t, dir)
	add(t, j, 1)
	three := read(t, dir)
	_ = j.Close()
	for n := len(two) + 1; n < len(three); n += 1 + n%4 {
		zeroed := append(bytes.Clone(three[:n]), make([]byte, len(three)-n-1)...)
		for name, b := range map[string][]byte{
			"cut":            three[:n],
			"zeros after":    append(bytes.Clone(three[:n]), make([]byte, 4096)...),
			"zeros in place": append(zeroed, '\n'),
		} {
			if name != "cut" && n%16 != 0 || name == "zeros in place" && n == len(three)-1 {
				continue // enough, or the whole line
			}
			write(t, dir, b)
			j, err := journal.Open(dir)
			if err != nil {
				t.Fatalf("%s at %d of %d: %v", name, n, len(three), err)
			}
			if got := len(entries(t, j, 0)); got != 2 || j.Cut() != int64(len(b)-len(two)) {
				t.Fatalf("%s at %d: %d entries, %d bytes cut", name, n, got, j.Cut())
			}
			if n%50 == 0 {
				add(t, j, 1)
			}
			if err := j.Verify(); err != nil {
				t.Fatal(err)
			}
			_ = j.Close()
		}
	}
	write(t, dir, append(bytes.Clone(two), make([]byte, journal.MaxLine+5)...))
	j = open(t, dir)
	if got := len(entries(t, j, 0)); got != 2 {
		t.Errorf("a long run of zeros: %d entries", got)
	}
}

func TestBrokenChainSaysWhere(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	add(t, j, 4)
	_ = j.Close()
	whole := read(t, dir)
	lines := bytes.SplitAfter(whole, []byte("\n"))[:4]
	join := func(l ...[]byte) []byte { return bytes.Join(l, nil) }
	second := int64(len(lines[0]))
	for name, c := range map[string]struct {
		bytes  []byte
		line   int
		offset int64
	}{
		"a changed byte":        {bytes.Replace(whole, []byte(`"n":2`), []byte(`"n":9`), 1), 2, second},
		"a changed hash":        {bytes.Replace(whole, lines[1][len(lines[1])-6:], []byte("00\"}\n\n")[:6], 1), 2, second},
		"a lost line":           {join(lines[0], lines[2], lines[3]), 2, second},
		"a doubled line":        {join(lines[0], lines[1], lines[1]), 3, second + int64(len(lines[1]))},
		"swapped lines":         {join(lines[0], lines[2], lines[1], lines[3]), 2, second},
		"a lost first line":     {join(lines[1:]...), 1, 0},
		"a line of text":        {join(lines[0], []byte("hello\n"), lines[1]), 2, second},
		"a last line of text":   {join(lines[0], []byte("hello\n")), 2, second},
		"an empty line":         {join(lines[0], []byte("\n"), lines[1]), 2, second},
		"zeros before the last": {join(lines[0], make([]byte, 10), []byte("\n"), lines[1]), 2, second},
		"a line too long":       {join(lines[0], bytes.Repeat([]byte("x"), journal.MaxLine+1), []byte("\n")), 2, second},
	} {
		write(t, dir, c.bytes)
		_, err := journal.Open(dir)
		var broken *journal.BrokenError
		if !errors.As(err, &broken) || broken.Line != c.line || broken.Offset != c.offset || broken.Code() != "verification_failed" {
			t.Errorf("%s: got %v, want line %d at %d", name, err, c.line, c.offset)
		}
		if !bytes.Equal(read(t, dir), c.bytes) {
			t.Errorf("%s: a broken journal was changed", name)
		}
	}
}

func TestVerifyNoticesChangesOnDisk(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	add(t, j, 3)
	if err := j.Verify(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file(dir), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("X"), 30); err != nil {
		t.Fatal(err)
	}
	var broken *journal.BrokenError
	if err := j.Verify(); !errors.As(err, &broken) || broken.Line != 1 {
		t.Errorf("got %v", err)
	}
}

func TestAppendRefusesLongLines(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	if _, err := j.Append("test.op", "me", strings.Repeat("x", journal.MaxLine)); err == nil {
		t.Error("a line of more than MaxLine bytes passes")
	}
	if _, err := j.Append("test.op", "me", func() {}); err == nil {
		t.Error("a function passes as data")
	}
	add(t, j, 1)
	if got := entries(t, j, 0); len(got) != 1 {
		t.Errorf("got %d entries", len(got))
	}
}

func TestConcurrentAppendAndRead(t *testing.T) {
	j := open(t, t.TempDir())
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 10 {
				if _, err := j.Append("test.op", fmt.Sprint(i), n); err != nil {
					t.Error(err)
				}
				if err := j.Verify(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := entries(t, j, 0); len(got) != 40 {
		t.Errorf("got %d entries", len(got))
	}
}

// Opening any bytes either works, and then the journal goes on and stays whole,
// or fails with a place.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	j, err := journal.Open(dir)
	if err != nil {
		f.Fatal(err)
	}
	for n := range 2 {
		if _, err := j.Append("test.op", "me", n); err != nil {
			f.Fatal(err)
		}
	}
	_ = j.Close()
	b, err := os.ReadFile(file(dir))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)-9])
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		write(t, dir, b)
		j, err := journal.Open(dir)
		if err != nil {
			var broken *journal.BrokenError
			if !errors.As(err, &broken) {
				t.Errorf("got %v", err)
			}
			return
		}
		defer j.Close()
		if _, err := j.Append("test.op", "me", 1); err != nil {
			t.Error(err)
		}
		if err := j.Verify(); err != nil {
			t.Error(err)
		}
	})
}
