package loader

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"samara/loader/chat"
	"samara/loader/tokenizer"
)

// checkLogits compares logits of the oracle's ids with its own.
func checkLogits(t *testing.T, m Model, o oracle, want []float32) {
	t.Helper()
	logits, err := newSession(t, m).Eval(context.Background(), o.IDs, All)
	if err != nil {
		t.Fatal(err)
	}
	var got []float32
	for i := range o.IDs {
		if o.Positions == nil || slices.Contains(o.Positions, i) {
			got = append(got, logits[i*o.Vocab:(i+1)*o.Vocab]...)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("got %d logits, want %d", len(got), len(want))
	}
	if e := nmse(got, want); !(e < maxNMSE) {
		t.Errorf("got an error of %.2g, want less than %g", e, maxNMSE)
	}
	var written bytes.Buffer
	if err := Logits(context.Background(), m, o.IDs, &written); err != nil {
		t.Fatal(err)
	}
	again := make([]float32, written.Len()/4)
	if _, err := binary.Decode(written.Bytes(), binary.LittleEndian, again); err != nil {
		t.Fatal(err)
	}
	if e := nmse(again, logits); len(again) != len(logits) || e > maxNMSE {
		t.Errorf("Logits wrote %d values with an error of %.2g, want %d", len(again), e, len(logits))
	}
}

// checkAnswers generates greedily and wants the oracle's words and tokens.
func checkAnswers(t *testing.T, m Model, answers []oracleAnswer, isChat bool) {
	t.Helper()
	if len(answers) == 0 {
		t.Fatal("the oracle has no answers")
	}
	for _, a := range answers {
		r := Request{Prompt: a.Prompt, MaxTokens: 64, Sampling: greedy()}
		if isChat {
			r.Prompt, r.Messages = "", []chat.Message{{Role: "user", Content: a.Prompt}}
		}
		var streamed string
		var ids []int32
		res, err := m.Generate(context.Background(), r, func(c Chunk) error {
			streamed += c.Text
			ids = append(ids, c.IDs...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(res.PromptIDs, a.PromptIDs) {
			t.Errorf("%s: got prompt %v, want %v", a.Prompt, res.PromptIDs, a.PromptIDs)
		}
		if res.Text != a.Text || !slices.Equal(res.IDs, a.IDs) || res.FinishReason != a.FinishReason {
			t.Errorf("%s: got %q %v, %s; want %q %v, %s", a.Prompt, res.Text, res.IDs, res.FinishReason, a.Text, a.IDs, a.FinishReason)
		}
		if streamed != res.Text || !slices.Equal(ids, res.IDs) {
			t.Errorf("%s: streamed %q %v, result %q %v", a.Prompt, streamed, ids, res.Text, res.IDs)
		}
		if want := (Usage{len(a.PromptIDs), len(a.IDs)}); res.Usage != want {
			t.Errorf("%s: got usage %+v, want %+v", a.Prompt, res.Usage, want)
		}
	}
}

func TestTinyOracle(t *testing.T) {
	m := openTiny(t)
	o, logits := readOracle(t, filepath.Join(tinyDir, "vectors"))
	checkLogits(t, m, o, logits)
	checkAnswers(t, m, o.Chats, true)
	checkAnswers(t, m, o.Raw, false)
}

func TestTinyPerplexity(t *testing.T) {
	m := openTiny(t)
	o, _ := readOracle(t, filepath.Join(tinyDir, "vectors"))
	text, err := os.ReadFile(filepath.Join(tinyDir, "vectors", "heldout.txt"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Perplexity(context.Background(), m, string(text), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := o.Heldout
	if got.Tokens != want.Tokens || math.Abs(got.NLL-want.NLL/float64(want.Tokens)) > 1e-5 || math.Abs(got.Perplexity-want.Perplexity) > 1e-4 {
		t.Errorf("got %+v, want %+v (nll is a sum there)", got, want)
	}

	// In chunks of 100, each alone: every chunk loses its first token.
	ids, err := m.Tokenizer().Encode(string(text), tokenizer.EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	var tokens, last, total int
	for chunk := range slices.Chunk(ids, 100) {
		logits, err := newSession(t, m).Eval(context.Background(), chunk, All)
		if err != nil {
			t.Fatal(err)
		}
		for i, id := range chunk[1:] {
			sum += nll(logits[i*o.Vocab:(i+1)*o.Vocab], id)
			tokens++
		}
	}
	got, err = Perplexity(context.Background(), m, string(text), 100, func(done, n int) { last, total = done, n })
	if err != nil {
		t.Fatal(err)
	}
	if got.Tokens != tokens || math.Abs(got.NLL-sum/float64(tokens)) > 1e-6 || last != len(ids) || total != len(ids) {
		t.Errorf("in chunks: got %+v, progress %d of %d; want %d tokens, nll %v", got, last, total, tokens, sum/float64(tokens))
	}
	if _, err := Perplexity(context.Background(), m, "", 0, nil); err == nil {
		t.Error("got no error for an empty text")
	}
	if _, err := Perplexity(context.Background(), m, "one two three", 1, nil); err == nil {
		t.Error("got no error for chunks of one token")
	}
}

func TestSmolLM2Oracle(t *testing.T) {
	m := openModel(t, smollm2(t), Options{})
	o, logits := readOracle(t, "../testdata/smollm2/vectors")
	checkLogits(t, m, o, logits)
	checkAnswers(t, m, o.Answers, true)
}
