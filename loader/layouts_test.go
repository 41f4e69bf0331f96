package loader

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"testing"

	"samara/loader/tokenizer"
)

// maxLayoutNMSE is the error allowed between layouts, whose rotary pairs lie in
// another order, and so the terms of the same sums.
const maxLayoutNMSE = 1e-11

// TestLayouts opens one model in every layout (testdata/layouts/make.py). Each
// must say the same about itself, encode the same and compute the same logits,
// which are those of transformers.
func TestLayouts(t *testing.T) {
	const dir = "testdata/layouts/"
	var ids []int32
	b, err := os.ReadFile(dir + "ids.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &ids); err != nil {
		t.Fatal(err)
	}
	if b, err = os.ReadFile(dir + "logits.f32"); err != nil {
		t.Fatal(err)
	}
	want := make([]float32, len(b)/4)
	if _, err := binary.Decode(b, binary.LittleEndian, want); err != nil {
		t.Fatal(err)
	}
	var first []float32
	for _, c := range []struct{ path, format, layout, architecture string }{
		{"hub", "safetensors", "hub", "llama"},
		{"gguf/tiny.gguf", "gguf", "gguf", "llama"},
		{"split", "gguf", "gguf", "llama"},
		{"split/tiny-00002-of-00003.gguf", "gguf", "gguf", "llama"},
		{"consolidated", "safetensors", "consolidated", "mistral"},
		{"consolidated/consolidated.safetensors", "safetensors", "consolidated", "mistral"},
		{"pth", "pth", "consolidated", "mistral"},
		{"pth/consolidated.00.pth", "pth", "consolidated", "mistral"},
		{"parallel", "pth", "consolidated", "llama"},
	} {
		t.Run(c.path, func(t *testing.T) {
			m := openModel(t, dir+c.path, Options{})
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
			checkInfo(t, dir+c.path, c.format, c.layout, c.architecture)
		})
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

// checkInfo wants Inspect to say the same about every layout.
func checkInfo(t *testing.T, path, format, layout, architecture string) {
	t.Helper()
	src, err := SourceFromPath(path)
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
	if info.Format != format || info.Layout != layout || info.Architecture != architecture {
		t.Errorf("got %s, layout %s, architecture %s; want %s, %s, %s", info.Format, info.Layout, info.Architecture, format, layout, architecture)
	}
	const parameters = 2*269*32 + 32 + 2*(2*32*32+2*16*32+3*48*32+2*32)
	if info.Parameters != parameters || info.Quantization != "BF16" || info.ContextLength != 128 || info.VocabSize != 269 ||
		info.Tokenizer != "spm" || info.License != "apache-2.0" || info.CacheBytesPerToken != 256 ||
		math.Abs(float64(info.WeightBytes)-2*parameters) > 1000 {
		t.Errorf("got %+v, want %d parameters", info, parameters)
	}
}
