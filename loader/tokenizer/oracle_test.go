package tokenizer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// byKind are the tokenizers that stand for the kinds: the last name of a path.
var byKind = []string{
	"llama3.json", "o200k.json", "llama2.json", "t5.json", "bert.json", // tokenizer.json: byte-level BPE, BPE, Unigram, WordPiece
	"spm-fallback.model", "uni-nfkc.model", // SentencePiece: BPE, unigram
	"tekken_240911.json", "tokenizer.model.v3", // Mistral's
}

// How many generated texts each of byKind is compared on, and each of the other
// tokenizers.
const (
	textsByKind = 10_000
	textsOthers = 1_000
)

// TestOracle compares ids with those of tokenizers, sentencepiece and
// mistral-common, over the committed texts and generated ones, for the
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
	files = slices.DeleteFunc(files, func(f string) bool {
		return f == "testdata/vectors.json" || strings.HasPrefix(f, "testdata/ranks") // which have a test of their own
	})
	if gguf := os.Getenv("SAMARA_SMOLLM2"); gguf != "" {
		files = append(files, gguf)
	}
	if folder := os.Getenv("SAMARA_MINILM"); folder != "" {
		files = append(files, filepath.Join(folder, "tokenizer.json"))
	}
	texts, _ := readVectors(t)
	others := len(texts) + textsOthers
	texts = append(texts, generated(t, textsByKind)...)
	request, err := json.Marshal(map[string]any{"files": files, "texts": texts, "many": byKind, "few": others})
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
			want := others
			if slices.Contains(byKind, filepath.Base(answer.File)) {
				want = len(texts)
			}
			if len(answer.IDs) != want {
				t.Fatalf("got %d lists of ids, want %d", len(answer.IDs), want)
			}
			for i, ids := range answer.IDs {
				if !forges(tok, texts[i], ids) {
					same(t, tok, texts[i], EncodeOptions{}, ids)
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
