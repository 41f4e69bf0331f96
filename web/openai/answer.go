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

// A shape is the form of one kind of completion, whole and in chunks.
type shape interface {
	// prefix begins an id, object and chunk name the two forms.
	prefix() string
	object() string
	chunk() string
	// whole is the choice of an answer that is not streamed.
	whole(r loader.Result) choice
	// open is the choice that comes first in a stream, nil for none.
	open() *choice
	// piece is the choice of a chunk with text.
	piece(text string) choice
	// last is the choice of the chunk that says why the answer ended.
	last(reason string) choice
	// promptAtTop says where an answer that is not streamed has the prompt's
	// tokens: beside the choices or in the choice, as vLLM does.
	promptAtTop() bool
}

type completion struct {
	ID             string   `json:"id"`
	Object         string   `json:"object"`
	Created        int64    `json:"created"` // Unix seconds
	Model          string   `json:"model"`
	Choices        []choice `json:"choices"`
	Usage          any      `json:"usage,omitempty"`
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

type chatShape struct{}

func (chatShape) prefix() string    { return "chatcmpl-" }
func (chatShape) object() string    { return "chat.completion" }
func (chatShape) chunk() string     { return "chat.completion.chunk" }
func (chatShape) promptAtTop() bool { return true }

func (chatShape) whole(r loader.Result) choice {
	return choice{Message: &chatText{Role: "assistant", Content: r.Text}, FinishReason: &r.FinishReason}
}

func (chatShape) open() *choice {
	empty := ""
	return &choice{Delta: &delta{Role: "assistant", Content: &empty}}
}

func (chatShape) piece(text string) choice { return choice{Delta: &delta{Content: &text}} }

func (chatShape) last(reason string) choice {
	return choice{Delta: &delta{}, FinishReason: &reason}
}

type textShape struct{}

func (textShape) prefix() string    { return "cmpl-" }
func (textShape) object() string    { return "text_completion" }
func (textShape) chunk() string     { return "text_completion" }
func (textShape) promptAtTop() bool { return false }

func (textShape) whole(r loader.Result) choice {
	return choice{Text: &r.Text, FinishReason: &r.FinishReason}
}

func (textShape) open() *choice { return nil }

func (textShape) piece(text string) choice { return choice{Text: &text} }

func (textShape) last(reason string) choice {
	empty := ""
	return choice{Text: &empty, FinishReason: &reason}
}

// answer generates and sends the answer in the form that r asks for.
func (d *Dialect) answer(c echo.Context, r *request, lr loader.Request, s shape) error {
	base := completion{ID: newID(s.prefix()), Object: s.object(), Created: time.Now().Unix(), Model: r.Model}
	if r.Stream {
		base.Object = s.chunk()
		return d.streamed(c, r, lr, s, base)
	}
	result, err := d.generate(c, r.Model, lr, func(loader.Chunk) error { return nil })
	if err != nil {
		return err
	}
	ch := s.whole(result)
	if r.ReturnTokens {
		ch.TokenIDs = listed(result.IDs)
		if s.promptAtTop() {
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
func (d *Dialect) streamed(c echo.Context, r *request, lr loader.Request, s shape, base completion) error {
	w := chunks{events: stream.Events(c), shape: s, base: base, tokens: r.ReturnTokens}
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
	shape  shape
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
	ch := w.shape.piece(c.Text)
	if w.tokens {
		ch.TokenIDs = listed(c.IDs)
	}
	return w.send(ch)
}

// open sends what comes before the first text, once.
func (w *chunks) open() error {
	first := w.shape.open()
	if w.events.Started() || first == nil {
		return nil
	}
	return w.send(*first)
}

func (w *chunks) finish(r loader.Result) error {
	if err := w.open(); err != nil {
		return err
	}
	ch := w.shape.last(r.FinishReason)
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
