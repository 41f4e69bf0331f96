package verify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"samara/verify"
)

// official are the test vectors that BLAKE3's authors publish: the input is the
// bytes 0, 1, … 250 over and over.
var official = map[int]string{
	0:      "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
	1:      "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
	1023:   "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11",
	1024:   "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
	1025:   "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
	2048:   "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a",
	16384:  "f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4",
	31744:  "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47",
	102400: "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085",
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}

func random(n int) []byte {
	b := make([]byte, n)
	var seed [32]byte
	copy(seed[:], fmt.Sprint("samara ", n))
	_, _ = rand.NewChaCha8(seed).Read(b) // never fails
	return b
}

// sizes are the edges of chunks, groups, stretches and powers of two.
var sizes = []int{
	0, 1, 1023, 1024, 1025, 2048, 3000, 16383, 16384, 16385, 17408, 32767, 32768, 32769, 49152, 65536, 65537,
	1<<20 - 1, 1 << 20, 1<<20 + 1, 3 << 20, 3<<20 + 777,
}

func TestOfficialVectors(t *testing.T) {
	for n, want := range official {
		b := pattern(n)
		if got := verify.Sum(b).Hex(); got != want {
			t.Errorf("%d bytes: Sum gives %s, want %s", n, got, want)
		}
		if got := root(t, b, 2).Hex(); got != want {
			t.Errorf("%d bytes: tree gives %s, want %s", n, got, want)
		}
	}
}

func hash(t *testing.T, b []byte, workers int) *verify.Tree {
	t.Helper()
	tree, err := verify.HashFile(t.Context(), bytes.NewReader(b), int64(len(b)), workers)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func root(t *testing.T, b []byte, workers int) verify.Digest {
	t.Helper()
	d, err := hash(t, b, workers).Root()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTreeIsTheStandardDigest(t *testing.T) {
	for _, n := range sizes {
		b := random(n)
		for _, workers := range []int{0, 1, 3} {
			if got, want := root(t, b, workers), verify.Sum(b); got != want {
				t.Errorf("%d bytes, %d workers: got %s, want %s", n, workers, got, want)
			}
		}
	}
}

func TestTreeAgainstB3sum(t *testing.T) {
	if _, err := exec.LookPath("b3sum"); err != nil {
		t.Skip("b3sum is not installed")
	}
	for _, n := range []int{0, 16384, 3<<20 + 777} {
		path := filepath.Join(t.TempDir(), "file")
		b := random(n)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "b3sum", "--no-names", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := root(t, b, 0).Hex(), strings.TrimSpace(string(out)); got != want {
			t.Errorf("%d bytes: got %s, b3sum says %s", n, got, want)
		}
	}
}

func TestTreeGroups(t *testing.T) {
	b := random(5*verify.GroupSize + 100)
	tree := verify.NewTree(int64(len(b)))
	if tree.Groups() != 6 || tree.GroupLen(0) != verify.GroupSize || tree.GroupLen(5) != 100 {
		t.Fatalf("%d groups of %d and %d bytes", tree.Groups(), tree.GroupLen(0), tree.GroupLen(5))
	}
	group := func(i int) []byte { return b[i*verify.GroupSize:][:tree.GroupLen(i)] }
	if _, err := tree.Root(); err == nil || tree.Complete() || tree.Has(3) || tree.VerifyGroup(3, group(3)) {
		t.Error("an empty tree claims to know something")
	}
	if _, err := tree.MarshalBinary(); err == nil {
		t.Error("an empty tree marshals")
	}
	var wg sync.WaitGroup
	for i := range tree.Groups() {
		wg.Go(func() { tree.SetGroup(i, group(i)) })
	}
	wg.Wait()
	tree.SetGroup(2, group(2))
	if got, err := tree.Root(); err != nil || got != verify.Sum(b) {
		t.Errorf("root: got %s, %v", got, err)
	}
	for i := range tree.Groups() {
		bad := bytes.Clone(group(i))
		bad[len(bad)-1] ^= 1
		if !tree.VerifyGroup(i, group(i)) || tree.VerifyGroup(i, bad) || tree.VerifyGroup(i, bad[1:]) {
			t.Errorf("group %d is judged wrongly", i)
		}
	}
}

func TestFillKeepsWhatIsSet(t *testing.T) {
	b := random(70 * verify.GroupSize)
	tree := verify.NewTree(int64(len(b)))
	set := []int{0, 5, 63, 64, 69}
	zeroed := bytes.Clone(b)
	for _, i := range set {
		tree.SetGroup(i, b[i*verify.GroupSize:][:verify.GroupSize])
		clear(zeroed[i*verify.GroupSize:][:verify.GroupSize])
	}
	if err := tree.Fill(t.Context(), bytes.NewReader(zeroed), 2); err != nil {
		t.Fatal(err)
	}
	if got, err := tree.Root(); err != nil || got != verify.Sum(b) {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestHashFileErrors(t *testing.T) {
	b := random(3 << 20)
	var short *verify.SizeError
	_, err := verify.HashFile(t.Context(), bytes.NewReader(b), int64(len(b))+1, 2)
	if !errors.As(err, &short) || short.Got != int64(len(b)) {
		t.Errorf("short file: got %v", err)
	}
	want := errors.New("disk fell over")
	if _, err := verify.HashFile(t.Context(), failingReader{want}, 1, 1); !errors.Is(err, want) {
		t.Errorf("failing file: got %v", err)
	}
	for _, size := range []int64{-1, verify.MaxFileSize + 1} {
		if _, err := verify.HashFile(t.Context(), bytes.NewReader(b), size, 1); err == nil {
			t.Errorf("size %d passes", size)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := verify.HashFile(ctx, bytes.NewReader(b), int64(len(b)), 2); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
}

type failingReader struct{ err error }

func (r failingReader) ReadAt([]byte, int64) (int, error) { return 0, r.err }

func TestTreeMarshal(t *testing.T) {
	for _, n := range sizes {
		tree := hash(t, random(n), 0)
		b, err := tree.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		back, err := verify.ParseTree(b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := back.Root()
		if err != nil || got != verify.Sum(random(n)) || back.Size() != int64(n) {
			t.Errorf("%d bytes: got %s, size %d, %v", n, got, back.Size(), err)
		}
	}
}

func TestParseTreeRefuses(t *testing.T) {
	b, err := hash(t, random(40000), 0).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	huge := append([]byte("smrtree1"), 0, 0, 0, 0, 0, 0, 0, 0x7f)
	for _, bad := range [][]byte{nil, b[:15], b[:len(b)-1], append(bytes.Clone(b), 0), append([]byte{'x'}, b[1:]...), huge, huge[:16]} {
		var te *verify.TreeError
		if _, err := verify.ParseTree(bad); !errors.As(err, &te) {
			t.Errorf("%d bytes: got %v", len(bad), err)
		}
	}
}

// What parses marshals back to the same bytes, and any size costs no more than
// the bytes that came.
func FuzzParseTree(f *testing.F) {
	for _, n := range []int{0, 100, 40000} {
		tree, err := verify.HashFile(context.Background(), bytes.NewReader(random(n)), int64(n), 1)
		if err != nil {
			f.Fatal(err)
		}
		b, err := tree.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tree, err := verify.ParseTree(b)
		if err != nil {
			return
		}
		back, err := tree.MarshalBinary()
		if err != nil || !bytes.Equal(back, b) {
			t.Errorf("got %x, %v from %x", back, err, b)
		}
	})
}

func TestCheck(t *testing.T) {
	const g = verify.GroupSize
	b := random(200*g + 100)
	tree, want := hash(t, b, 0), verify.Sum(b)
	size := int64(len(b))
	for name, c := range map[string]struct {
		edit func(b []byte) []byte
		tree *verify.Tree
		want string
	}{
		"whole":           {func(b []byte) []byte { return b }, tree, "[]"},
		"one bit":         {func(b []byte) []byte { b[3*g+5] ^= 4; return b }, tree, fmt.Sprint([]verify.BadRange{{3 * g, g}})},
		"two neighbours":  {func(b []byte) []byte { b[64*g-1] ^= 4; b[64*g] ^= 4; return b }, tree, fmt.Sprint([]verify.BadRange{{63 * g, 2 * g}})},
		"first and last":  {func(b []byte) []byte { b[0] ^= 4; b[200*g+99] ^= 4; return b }, tree, fmt.Sprint([]verify.BadRange{{0, g}, {200 * g, 100}})},
		"cut in a group":  {func(b []byte) []byte { return b[:199*g+7] }, tree, fmt.Sprint([]verify.BadRange{{199 * g, g + 100}})},
		"cut to nothing":  {func([]byte) []byte { return nil }, tree, fmt.Sprint([]verify.BadRange{{0, size}})},
		"no tree, whole":  {func(b []byte) []byte { return b }, nil, "[]"},
		"no tree, bad":    {func(b []byte) []byte { b[9] ^= 1; return b }, nil, fmt.Sprint([]verify.BadRange{{0, size}})},
		"no tree, short":  {func(b []byte) []byte { return b[:g] }, nil, fmt.Sprint([]verify.BadRange{{0, size}})},
		"another's tree":  {func(b []byte) []byte { return b }, hash(t, random(g), 1), "[]"},
		"unfinished tree": {func(b []byte) []byte { b[9] ^= 1; return b }, verify.NewTree(size), fmt.Sprint([]verify.BadRange{{0, size}})},
	} {
		var mu sync.Mutex
		var done int64
		progress := func(n int64) { mu.Lock(); done += n; mu.Unlock() }
		bad, err := verify.Check(t.Context(), bytes.NewReader(c.edit(bytes.Clone(b))), size, c.tree, want, 2, progress)
		if err != nil || fmt.Sprint(bad) != c.want || done != size {
			t.Errorf("%s: got %v, %v after %d bytes, want %s", name, bad, err, done, c.want)
		}
	}
	failed := errors.New("disk fell over")
	if _, err := verify.Check(t.Context(), failingReader{failed}, size, tree, want, 2, nil); !errors.Is(err, failed) {
		t.Errorf("failing file: got %v", err)
	}
}

func TestReader(t *testing.T) {
	b := random(100_000)
	n, want := int64(len(b)), verify.Sum(b)
	got, err := io.ReadAll(iotest.OneByteReader(verify.NewReader(bytes.NewReader(b), n, want)))
	if err != nil || !bytes.Equal(got, b) {
		t.Errorf("good bytes: %v", err)
	}
	bad := bytes.Clone(b)
	bad[7] ^= 1
	var mismatch *verify.MismatchError
	if _, err := io.ReadAll(verify.NewReader(bytes.NewReader(bad), n, want)); !errors.As(err, &mismatch) || mismatch.Want != want || mismatch.Got != verify.Sum(bad) {
		t.Errorf("bad bytes: got %v", err)
	}
	for name, r := range map[string]io.Reader{
		"short":           bytes.NewReader(b[:n-1]),
		"long":            io.MultiReader(bytes.NewReader(b), strings.NewReader("x")),
		"long, data last": iotest.DataErrReader(io.MultiReader(bytes.NewReader(b), strings.NewReader("x"))),
		"empty":           strings.NewReader(""),
	} {
		var size *verify.SizeError
		if _, err := io.ReadAll(verify.NewReader(r, n, want)); !errors.As(err, &size) || size.Code() != "verification_failed" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	r := verify.NewReader(iotest.ErrReader(io.ErrClosedPipe), n, want)
	for range 2 {
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("failing reader: got %v", err)
		}
	}
	data := iotest.DataErrReader(bytes.NewReader(b))
	if _, err := io.Copy(io.Discard, verify.NewReader(data, n, want)); err != nil {
		t.Errorf("end told with the last bytes: %v", err)
	}
}

func TestMismatchErrorText(t *testing.T) {
	err := &verify.MismatchError{File: "a/b.gguf", Off: 16384, Size: 16384, Want: verify.Digest{1}}
	want := "verify a/b.gguf: bytes 16384-32768: got blake3:" + strings.Repeat("00", 32) + ", want blake3:01" + strings.Repeat("00", 31)
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func BenchmarkHashFile(b *testing.B) {
	data := random(64 << 20)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verify.HashFile(b.Context(), bytes.NewReader(data), int64(len(data)), 0); err != nil {
			b.Fatal(err)
		}
	}
}
