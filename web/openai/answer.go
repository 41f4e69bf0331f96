package openai

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"samara/loader"
	"samara/web/internal/stream"
)

// A kind is one of the two kinds of completion: what its answers are called, and
// whether a choice holds messages or plain text.
type kind struct {
	prefix string // of an id
	object string // of a whole answer
	chunk  string // of one chunk of a stream
	chat   bool
}

var (
	chatKind = kind{"chatcmpl-", "chat.completion", "chat.completion.chunk", true}
	textKind = kind{"cmpl-", "text_completion", "text_completion", false}
)

type completion struct {
	ID             string   `json:"id"`
	Object         string   `json:"object"`
	Created        int64    `json:"created"` // Unix seconds
	Model          string   `json:"model"`
	Choices        []choice `json:"choices"`
	Usage          *usage   `json:"usage,omitempty"`
	PromptTokenIDs []int32  `json:"prompt_token_ids,omitzero"`
}

// A choice has Text in a completion, Message or Delta in a chat.
type choice struct {
	Index          int       `json:"index"`
	Text           *string   `json:"text,omitempty"`
	Message        *chatText `json:"message,omitempty"`
	Delta          *delta    `json:"delta,omitempty"`
	Logprobs       any       `json:"logprobs"`
	FinishReason   *string   `json:"finish_reason"`
	TokenIDs       []int32   `json:"token_ids,omitzero"`
	PromptTokenIDs []int32   `json:"prompt_token_ids,omitzero"`
}

type chatText struct {
	Role    string  `json:"role"`
	Content string  `json:"content"`
	Refusal *string `json:"refusal"`
}

type delta struct {
	Role    string  `json:"role,omitempty"`
	Content *string `json:"content,omitempty"`
}

type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

func usageOf(u loader.Usage) *usage {
	return &usage{u.PromptTokens, u.CompletionTokens, u.PromptTokens + u.CompletionTokens}
}

// whole is the choice of an answer that is not streamed.
func (k kind) whole(r loader.Result) choice {
	ch := choice{FinishReason: &r.FinishReason}
	if k.chat {
		ch.Message = &chatText{Role: "assistant", Content: r.Text}
	} else {
		ch.Text = &r.Text
	}
	return ch
}

// piece is the choice of a chunk with text.
func (k kind) piece(text string) choice {
	if k.chat {
		return choice{Delta: &delta{Content: &text}}
	}
	return choice{Text: &text}
}

// last is the choice of the chunk that says why the answer ended.
func (k kind) last(reason string) choice {
	if k.chat {
		return choice{Delta: &delta{}, FinishReason: &reason}
	}
	ch := k.piece("")
	ch.FinishReason = &reason
	return ch
}

// answer generates and sends the answer in the form that r asks for.
func (d *Dialect) answer(c echo.Context, r *request, lr loader.Request, k kind) error {
	base := completion{ID: newID(k.prefix), Object: k.object, Created: time.Now().Unix(), Model: r.Model}
	if r.Stream {
		base.Object = k.chunk
		return d.streamed(c, r, lr, k, base)
	}
	result, err := d.generate(c, r.Model, lr, func(loader.Chunk) error { return nil })
	if err != nil {
		return err
	}
	ch := k.whole(result)
	if r.ReturnTokens {
		ch.TokenIDs = listed(result.IDs)
		if k.chat { // as vLLM does
			base.PromptTokenIDs = listed(result.PromptIDs)
		} else {
			ch.PromptTokenIDs = listed(result.PromptIDs)
		}
	}
	base.Choices = []choice{ch}
	base.Usage = usageOf(result.Usage)
	return c.JSON(http.StatusOK, base)
}

// listed makes an empty list [] in JSON; a nil one is left out.
func listed(ids []int32) []int32 {
	if ids == nil {
		return []int32{}
	}
	return ids
}

func newID(prefix string) string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process instead
	return prefix + hex.EncodeToString(b[:])
}

// streamed sends the answer as server-sent events. An error before the first
// token is still a plain answer; a later one is an event.
func (d *Dialect) streamed(c echo.Context, r *request, lr loader.Request, k kind, base completion) error {
	w := chunks{events: stream.Events(c), kind: k, base: base, tokens: r.ReturnTokens}
	w.usage = r.StreamOptions != nil && r.StreamOptions.IncludeUsage
	result, err := d.generate(c, r.Model, lr, w.emit)
	if err == nil {
		return w.finish(result)
	}
	if !w.events.Started() {
		return err
	}
	if err := w.events.Event("", ErrorBody(d.report(c, err))); err != nil {
		return err
	}
	return w.events.Data("", done)
}

// done ends every stream.
const done = "[DONE]"

// chunks writes one streamed answer.
type chunks struct {
	events *stream.Writer
	kind   kind
	base   completion
	usage  bool // the client wants counts at the end
	tokens bool // the client wants token ids
}

func (w *chunks) emit(c loader.Chunk) error {
	if err := w.open(); err != nil {
		return err
	}
	if c.Text == "" && !w.tokens {
		return nil
	}
	ch := w.kind.piece(c.Text)
	if w.tokens {
		ch.TokenIDs = listed(c.IDs)
	}
	return w.send(ch)
}

// open sends the chunk that says who speaks, once, where there is one.
func (w *chunks) open() error {
	if w.events.Started() || !w.kind.chat {
		return nil
	}
	first := w.kind.piece("")
	first.Delta.Role = "assistant"
	return w.send(first)
}

func (w *chunks) finish(r loader.Result) error {
	if err := w.open(); err != nil {
		return err
	}
	ch := w.kind.last(r.FinishReason)
	if w.tokens {
		ch.PromptTokenIDs = listed(r.PromptIDs)
	}
	if err := w.send(ch); err != nil {
		return err
	}
	if w.usage {
		chunk := w.base
		chunk.Choices, chunk.Usage = []choice{}, usageOf(r.Usage)
		if err := w.events.Event("", chunk); err != nil {
			return err
		}
	}
	return w.events.Data("", done)
}

func (w *chunks) send(ch choice) error {
	chunk := w.base
	chunk.Choices = []choice{ch}
	return w.events.Event("", chunk)
}
