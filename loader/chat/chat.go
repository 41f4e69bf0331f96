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
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Template is a compiled template, safe for concurrent use.
type Template struct {
	body  block
	steps int  // fuel of one run
	own   bool // a template of this package, which has json_value
}

// Compile parses a template. It fails with a SyntaxError, or a LimitError
// where the source is larger or deeper than the limits.
func Compile(src string) (*Template, error) {
	body, err := parse(strings.ToValidUTF8(src, "\uFFFD"))
	if err != nil {
		return nil, err
	}
	return &Template{body: body, steps: MaxSteps}, nil
}

// A Message is one turn of a conversation.
type Message struct {
	Role       string         // "system", "user", "assistant", "tool", …
	Content    string         // never trusted
	Name       string         // optional author or tool name
	ToolCallID string         // of a tool's answer
	ToolCalls  []ToolCall     // of an assistant's turn
	Extra      map[string]any // further fields a template may read (JSON values); they win
}

// A ToolCall is a function call that an assistant asked for.
type ToolCall struct {
	ID        string
	Name      string
	Arguments any // JSON value; a string that holds a JSON object counts as that
}

// Input is what a template sees. Its JSON values are what json.Unmarshal makes,
// or json.RawMessage where the order of an object's keys is to be kept.
type Input struct {
	Messages            []Message
	AddGenerationPrompt bool
	Tools               []any // JSON values, nil for none
	BOSToken, EOSToken  string
	Extra               map[string]any // further variables (JSON values); they win
	Now                 time.Time      // for strftime_now; zero means time.Now()
}

// A Segment is a stretch of rendered text from one origin.
type Segment struct {
	Text    string
	Trusted bool // from the template itself; false for what came with the messages
}

// Render runs the template over in. Neighbouring segments differ in Trusted.
//
// It fails with a RaiseError where the template refuses its input, an EvalError
// where it goes wrong, a LimitError where it exceeds a limit, and ctx's error.
func (t *Template) Render(ctx context.Context, in Input) ([]Segment, error) {
	vars, err := in.variables()
	if err != nil {
		return nil, err
	}
	if in.Now.IsZero() {
		in.Now = time.Now()
	}
	out, err := t.run(ctx, vars, in.Now)
	return out.segments(), err
}

// RenderJSON runs the template over a JSON object of variables, keys in the
// object's order, and returns the text as is. now is what strftime_now sees,
// in its own time zone.
func (t *Template) RenderJSON(contextJSON []byte, now time.Time) (string, error) {
	vars, err := decodeJSON(contextJSON)
	if err != nil {
		return "", err
	}
	out, err := t.run(context.Background(), vars, now)
	return out.s, err
}

// knownRoles may be part of a special token that a template puts together,
// such as "<|" + role + "|>"; any other role is a user's word.
var knownRoles = []string{
	"system", "user", "assistant", "tool", "developer", "function", "ipython", "model", "observation",
}

// variables are the template's names.
func (in *Input) variables() (*dict, error) {
	vars := newDict()
	messages := &list{}
	for i := range in.Messages {
		m, err := in.Messages[i].dict()
		if err != nil {
			return nil, err
		}
		messages.items = append(messages.items, m)
	}
	vars.set(trusted("messages"), messages)
	vars.set(trusted("tools"), nil)
	vars.set(trusted("documents"), nil)
	vars.set(trusted("add_generation_prompt"), in.AddGenerationPrompt)
	for name, token := range map[string]string{"bos_token": in.BOSToken, "eos_token": in.EOSToken} {
		if token != "" {
			vars.set(trusted(name), trusted(token))
		}
	}
	if in.Tools != nil {
		tools, err := fromGo(in.Tools)
		if err != nil {
			return nil, err
		}
		vars.set(trusted("tools"), tools)
	}
	return vars, vars.setAll(in.Extra)
}

// setAll sets Go values under their names, sorted.
func (d *dict) setAll(values map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v, err := fromGo(values[name])
		if err != nil {
			return err
		}
		d.set(untrusted(name), v)
	}
	return nil
}

// dict is the message as a template sees it.
func (m *Message) dict() (*dict, error) {
	d := newDict()
	text := func(name, s string) {
		d.set(trusted(name), untrusted(strings.ToValidUTF8(s, "\uFFFD")))
	}
	if slices.Contains(knownRoles, m.Role) {
		d.set(trusted("role"), trusted(m.Role))
	} else {
		text("role", m.Role)
	}
	text("content", m.Content)
	if m.Name != "" {
		text("name", m.Name)
	}
	if m.ToolCallID != "" {
		text("tool_call_id", m.ToolCallID)
	}
	if len(m.ToolCalls) > 0 {
		calls := &list{}
		for _, c := range m.ToolCalls {
			call, err := c.dict()
			if err != nil {
				return nil, err
			}
			calls.items = append(calls.items, call)
		}
		d.set(trusted("tool_calls"), calls)
	}
	return d, d.setAll(m.Extra)
}

func (c ToolCall) dict() (*dict, error) {
	given := c.Arguments
	if text, ok := given.(string); ok && json.Valid([]byte(text)) && strings.HasPrefix(strings.TrimSpace(text), "{") {
		given = json.RawMessage(text)
	}
	arguments, err := fromGo(given)
	if err != nil {
		return nil, err
	}
	function := newDict()
	function.set(trusted("name"), untrusted(strings.ToValidUTF8(c.Name, "\uFFFD")))
	function.set(trusted("arguments"), arguments)
	call := newDict()
	call.set(trusted("id"), untrusted(strings.ToValidUTF8(c.ID, "\uFFFD")))
	call.set(trusted("type"), trusted("function"))
	call.set(trusted("function"), function)
	return call, nil
}
