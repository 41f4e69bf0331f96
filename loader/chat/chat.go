// Package chat renders the Jinja chat template of a model without Python.
//
//	t, err := chat.Compile(source)
//	segments, err := t.Render(ctx, chat.Input{Messages: messages, AddGenerationPrompt: true})
//
// A template is a stranger's program: it runs with fuel, depth and output
// limits, reads no file and sees nothing but its input. What a user wrote keeps
// a mark through the whole evaluation, so that the tokenizer does not take a
// "<|im_start|>" that somebody typed for the real one.
package chat

import (
	"context"
	"errors"
	"time"
)

// A Template is a compiled template, safe for concurrent use.
type Template struct{}

// Compile parses a template. It fails with a SyntaxError, or a LimitError
// where the source is larger or deeper than the limits.
func Compile(src string) (*Template, error) {
	return nil, errors.New("compile template: not built")
}

// A Message is one turn of a conversation.
type Message struct {
	Role       string         // "system", "user", "assistant", "tool", …
	Content    string         // never trusted
	Name       string         // optional author or tool name
	ToolCallID string         // of a tool's answer
	ToolCalls  []ToolCall     // of an assistant's turn
	Extra      map[string]any // further fields a template may read (JSON values)
}

// A ToolCall is a function call that an assistant asked for.
type ToolCall struct {
	ID        string
	Name      string
	Arguments any // JSON value; most templates want an object
}

// Input is what a template sees.
type Input struct {
	Messages            []Message
	AddGenerationPrompt bool
	Tools               []any // JSON values, nil for none
	BOSToken, EOSToken  string
	Extra               map[string]any // further variables (JSON values)
	Now                 time.Time      // for strftime_now; zero means time.Now()
}

// A Segment is a stretch of rendered text from one origin.
type Segment struct {
	Text    string
	Trusted bool // from the template itself; false for what came with the messages
}

// Render runs the template over in. Neighbouring segments differ in Trusted.
// It fails with a RaiseError where the template refuses its input, a LimitError
// where it exceeds a limit, and ctx's error.
func (t *Template) Render(ctx context.Context, in Input) ([]Segment, error) {
	return nil, errors.New("render template: not built")
}

// RenderJSON runs the template over a JSON object of variables, keys in the
// object's order, and returns the text as is.
func (t *Template) RenderJSON(contextJSON []byte, now time.Time) (string, error) {
	return "", errors.New("render template: not built")
}
