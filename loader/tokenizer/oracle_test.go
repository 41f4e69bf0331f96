package tokenizer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestOracle compares ids with those of tokenizers, sentencepiece and
// mistral-common, over the committed texts and many random ones, for the
// tokenizers of testdata and Mistral's own.
func TestOracle(t *testing.T) {
	python := os.Getenv("SAMARA_TEST_PYTHON")
	if python == "" {
		t.Skip("SAMARA_TEST_PYTHON names no python with tokenizers, sentencepiece and mistral-common")
	}
	files := []string{"mistral"}
	for _, glob := range []string{"testdata/*.json", "testdata/*.model"} {
		found, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return f == "testdata/vectors.json" })
	if gguf := os.Getenv("SAMARA_SMOLLM2"); gguf != "" {
		files = append(files, gguf)
	}
	if folder := os.Getenv("SAMARA_MINILM"); folder != "" {
		files = append(files, filepath.Join(folder, "tokenizer.json"))
	}
	texts, _ := readVectors(t)
	texts = append(texts, randomTexts(1500)...)
	request, err := json.Marshal(map[string]any{"files": files, "texts": texts})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/oracle.py") //nolint:gosec // the tester's own python
	cmd.Stdin = bytes.NewReader(request)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("oracle: %v", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<30)
	answers := 0
	for lines.Scan() {
		var answer struct {
			File string
			IDs  [][]int32
		}
		if err := json.Unmarshal(lines.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		answers++
		t.Run(filepath.Base(answer.File), func(t *testing.T) {
			tok := openFile(t, answer.File)
			for i, text := range texts {
				if !forges(tok, text, answer.IDs[i]) {
					same(t, tok, text, EncodeOptions{}, answer.IDs[i])
				}
			}
		})
	}
	if answers < len(files) {
		t.Errorf("got answers for %d tokenizers, want at least %d", answers, len(files))
	}
}

func openFile(t *testing.T, path string) Tokenizer {
	t.Helper()
	raw, err := os.ReadFile(path) //nolint:gosec // the tester's own file
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".gguf") {
		tok, err := FromGGUF(ggufMetadata(t, raw))
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	tok, err := FromFile(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// randomTexts makes texts of many scripts, spaces, digits and punctuation, the
// same ones every time.
func randomTexts(n int) []string {
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a fixed sequence is the point
	ranges := [][2]rune{
		{' ', '~'},
		{' ', '~'},
		{'a', 'z'},
		{'a', 'z'},
		{'A', 'Z'},
		{'0', '9'},
		{0xA0, 0x24F},
		{0x300, 0x36F},
		{0x370, 0x3FF},
		{0x400, 0x45F},
		{0x5D0, 0x5EA},
		{0x620, 0x64A},
		{0x660, 0x669},
		{0x904, 0x94D},
		{0xE01, 0xE3A},
		{0x2000, 0x206F},
		{0x20A0, 0x20BF},
		{0x2190, 0x21FF},
		{0x2460, 0x24FF},
		{0x3000, 0x30FF},
		{0x4E00, 0x9FA5},
		{0xAC00, 0xD7A3},
		{0xFF01, 0xFF9F},
		{0x1F300, 0x1F64F},
		{1, 31},
	}
	words := []string{
		" ", "  ", "\n", "\n\n", "\t", "\r\n", "'s", "'LL", "'ſ", "the", " The", " and", "http://", "...", "1234",
		" 12", "<|im_end|>", "<s>", "\u00a0", "\u3000", "é", "e\u0301", "ing", "ThisIs", "中文", "    ", "\u2581", "İ", "K", "fox", "word",
	}
	texts := make([]string, n)
	for i := range texts {
		var b strings.Builder
		for range 1 + rng.IntN(40) {
			if rng.IntN(3) == 0 {
				b.WriteString(words[rng.IntN(len(words))])
				continue
			}
			r := ranges[rng.IntN(len(ranges))]
			for range 1 + rng.IntN(6) {
				b.WriteRune(r[0] + rng.Int32N(r[1]-r[0]+1))
			}
		}
		texts[i] = b.String()
	}
	return texts
}
