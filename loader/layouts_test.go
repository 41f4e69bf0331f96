package loader

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"samara/loader/tokenizer"
)

// maxLayoutNMSE is the error allowed between layouts, whose rotary pairs lie in
// another order, and so the terms of the same sums.
const maxLayoutNMSE = 1e-11

// A layout is one export of a model and what it says about itself.
type layout struct{ path, format, layout, architecture string }

const layoutsDir = "testdata/layouts/"

// TestLayouts opens one model in every layout (testdata/layouts/make.py). Each
// must say the same about itself, encode the same and compute the same logits,
// which are those of transformers.
func TestLayouts(t *testing.T) {
	for _, l := range checkLayouts(t, "logits.f32", []layout{
		{"hub", "safetensors", "hub", "llama"},
		{"gguf/tiny.gguf", "gguf", "gguf", "llama"},
		{"split", "gguf", "gguf", "llama"},
		{"split/tiny-00002-of-00003.gguf", "gguf", "gguf", "llama"},
		{"consolidated", "safetensors", "consolidated", "mistral"},
		{"consolidated/consolidated.safetensors", "safetensors", "consolidated", "mistral"},
		{"pth", "pth", "consolidated", "mistral"},
		{"pth/consolidated.00.pth", "pth", "consolidated", "mistral"},
		{"parallel", "pth", "consolidated", "llama"},
	}) {
		const parameters = 2*269*32 + 32 + 2*(2*32*32+2*16*32+3*48*32+2*32)
		if l.Parameters != parameters || l.CacheBytesPerToken != 256 {
			t.Errorf("got %+v, want %d parameters", l, parameters)
		}
	}
}

// TestLayoutsMixtral does so for a mixture of experts, by themselves and
// stacked, one of their matrices transposed.
func TestLayoutsMixtral(t *testing.T) {
	for _, l := range checkLayouts(t, "moe.logits.f32", []layout{
		{"moe-hub", "safetensors", "hub", "mixtral"},
		{"moe-consolidated", "safetensors", "consolidated", "mixtral"},
		{"moe-stacked", "pth", "consolidated", "mixtral"},
	}) {
		const parameters = 2*269*32 + 3*32 + 2*32*32 + 2*16*32 + 4*32 + 4*3*16*32
		if l.Parameters != parameters || l.CacheBytesPerToken != 128 {
			t.Errorf("got %+v, want %d parameters", l, parameters)
		}
	}
}

// TestLayoutsQuantized opens Hub releases whose matrices are in 8-bit floats and
// in 4-bit groups. The logits are those of the values that they stand for.
func TestLayoutsQuantized(t *testing.T) {
	for kind, quantization := range map[string]string{"fp8": "F8_E4M3", "gptq": "GPTQ4", "awq": "AWQ4"} {
		t.Run(kind, func(t *testing.T) {
			ids, want := readLayouts(t, kind+".logits.f32")
			m := openModel(t, layoutsDir+kind, Options{})
			for _, step := range []int{len(ids), 1} {
				s := newSession(t, m)
				for first := 0; first < len(ids); first += step {
					logits, err := s.Eval(context.Background(), ids[first:first+step], All)
					if err != nil {
						t.Fatal(err)
					}
					if e := nmse(logits, want[first*269:(first+step)*269]); !(e < maxNMSE) {
						t.Errorf("ids from %d on: got an error of %.2g, want less than %g", first, e, maxNMSE)
					}
				}
			}
			// The embedding and the output stay BF16, and are larger here.
			if info := m.Info(); info.Quantization != "BF16" && info.Quantization != quantization {
				t.Errorf("got %+v", info)
			}
		})
	}
}

// readLayouts reads the ids and the logits of an export.
func readLayouts(t *testing.T, logitsFile string) (ids []int32, want []float32) {
	t.Helper()
	b, err := os.ReadFile(layoutsDir + "ids.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &ids); err != nil {
		t.Fatal(err)
	}
	if b, err = os.ReadFile(layoutsDir + logitsFile); err != nil {
		t.Fatal(err)
	}
	want = make([]float32, len(b)/4)
	if _, err := binary.Decode(b, binary.LittleEndian, want); err != nil {
		t.Fatal(err)
	}
	return ids, want
}

// checkLayouts opens every export and compares.
func checkLayouts(t *testing.T, logitsFile string, list []layout) (infos []ModelInfo) {
	t.Helper()
	ids, want := readLayouts(t, logitsFile)
	var first []float32
	for _, l := range list {
		t.Run(l.path, func(t *testing.T) {
			m := openModel(t, layoutsDir+l.path, Options{})
			logits, err := newSession(t, m).Eval(context.Background(), ids, All)
			if err != nil {
				t.Fatal(err)
			}
			if e := nmse(logits, want); len(logits) != len(want) || !(e < maxNMSE) {
				t.Errorf("got an error of %.2g over %d logits, want less than %g over %d", e, len(logits), maxNMSE, len(want))
			}
			if first == nil {
				first = append(first, logits...)
			}
			if e := nmse(logits, first); !(e < maxLayoutNMSE) {
				t.Errorf("got an error of %.2g to the first layout, want less than %g", e, maxLayoutNMSE)
			}
			checkText(t, m)
			infos = append(infos, checkInfo(t, l))
		})
	}
	return infos
}

// TestInspectRanks tells Meta's kind of tokenizer.model from SentencePiece's.
func TestInspectRanks(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(layoutsDir+"pth")); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("tokenizer/testdata/ranks.model")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.model"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	m := openModel(t, dir, Options{})
	src, err := SourceFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	info, err := Inspect(src)
	if err != nil || info.Tokenizer != "bpe" || m.Info().Tokenizer != "bpe" {
		t.Errorf("got tokenizer %q before and %q after opening, %v; want bpe", info.Tokenizer, m.Info().Tokenizer, err)
	}
}

// checkText wants a text encoded as the tokenizer in every folder does.
func checkText(t *testing.T, m Model) {
	t.Helper()
	ids, err := m.Tokenizer().Encode("the tone", tokenizer.EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Tokenizer().Decode(ids); got != "the tone" || len(ids) >= 8 {
		t.Errorf("got %q of %v, want the text in merged tokens", got, ids)
	}
}

// checkInfo wants Inspect to say what is true of every export.
func checkInfo(t *testing.T, l layout) ModelInfo {
	t.Helper()
	src, err := SourceFromPath(layoutsDir + l.path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := Inspect(src)
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Close(); err != nil {
		t.Error(err)
	}
	if info.Format != l.format || info.Layout != l.layout || info.Architecture != l.architecture {
		t.Errorf("got %s, layout %s, architecture %s; want %+v", info.Format, info.Layout, info.Architecture, l)
	}
	if info.Quantization != "BF16" || info.ContextLength != 128 || info.VocabSize != 269 || info.Tokenizer != "spm" ||
		info.License != "apache-2.0" || math.Abs(float64(info.WeightBytes-2*info.Parameters)) > 1000 {
		t.Errorf("got %+v", info)
	}
	return info
}
