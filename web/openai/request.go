package openai

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"samara/loader"
)

// Bounds on what a request may ask for.
const (
	// MaxStops is how many stop strings a request may name.
	MaxStops = 16
	// MaxStop is how long each may be, in bytes.
	MaxStop = 1024
	// MaxTokens is the largest max_tokens; the context is the real bound.
	MaxTokens = 1 << 24
	// MaxMessages is how many messages a conversation may have.
	MaxMessages = 4096
)

// A request is what both kinds of completion share.
type request struct {
	Model         string         `json:"model"`
	Stream        bool           `json:"stream"`
	StreamOptions *streamOptions `json:"stream_options"`
	MaxTokens     *int64         `json:"max_tokens"`
	MaxName       string         `json:"-"` // the field that MaxTokens came from
	Stop          texts          `json:"stop"`
	ReturnTokens  bool           `json:"return_token_ids"`
	IgnoreEOS     bool           `json:"ignore_eos"`

	Temperature       *float64 `json:"temperature"`
	TopP              *float64 `json:"top_p"`
	MinP              *float64 `json:"min_p"`
	TopK              *int64   `json:"top_k"`
	PresencePenalty   *float64 `json:"presence_penalty"`
	FrequencyPenalty  *float64 `json:"frequency_penalty"`
	RepetitionPenalty *float64 `json:"repetition_penalty"`
	Seed              *int64   `json:"seed"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

var streamOptionFields = map[string]rule{"include_usage": honoured, "include_obfuscation": harmless}

// texts is a string or an array of strings.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if err := json.Unmarshal(b, &one); err == nil {
		*t = nil
		if string(b) != "null" {
			*t = texts{one}
		}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// read decodes a body into v after its fields passed the rules.
func read(op string, body io.Reader, rules map[string]rule, v any) error {
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return badJSON(op, err)
	}
	if err := check(op, "", fields, rules); err != nil {
		return err
	}
	if options, ok := fields["stream_options"]; ok {
		var inner map[string]json.RawMessage
		if err := json.Unmarshal(options, &inner); err != nil {
			return badField(op, "stream_options", "want an object")
		}
		if err := check(op, "stream_options.", inner, streamOptionFields); err != nil {
			return err
		}
	}
	if err := json.Unmarshal(b, v); err != nil {
		return badJSON(op, err)
	}
	return nil
}

// badJSON names the field whose type is wrong, where one is.
func badJSON(op string, err error) error {
	var wrong *json.UnmarshalTypeError
	var field *fieldError
	switch {
	case errors.As(err, &field):
		return err
	case errors.As(err, &wrong) && wrong.Field != "":
		// Fields that both kinds of completion share sit in an embedded struct.
		return badField(op, strings.TrimPrefix(wrong.Field, "request."), "got a %s, want %s", wrong.Value, jsonKind(wrong.Type.Kind().String()))
	}
	return badField(op, "body", "%v", err)
}

func jsonKind(goKind string) string {
	switch goKind {
	case "string":
		return "a string"
	case "bool":
		return "true or false"
	case "int64":
		return "a whole number"
	case "float64":
		return "a number"
	case "slice":
		return "an array"
	}
	return "an object"
}

// apply checks r and puts it into a loader.Request.
func (r *request) apply(op string, to *loader.Request) error {
	if r.Model == "" {
		return badField(op, "model", "want the name of a model")
	}
	if r.StreamOptions != nil && !r.Stream {
		return badField(op, "stream_options", "want it only with stream true")
	}
	if r.MaxTokens != nil {
		if err := within(op, cmp.Or(r.MaxName, "max_tokens"), float64(*r.MaxTokens), 1, MaxTokens); err != nil {
			return err
		}
		to.MaxTokens = int(*r.MaxTokens)
	}
	if len(r.Stop) > MaxStops {
		return badField(op, "stop", "got %d strings, want at most %d", len(r.Stop), MaxStops)
	}
	for _, s := range r.Stop {
		if s == "" || len(s) > MaxStop {
			return badField(op, "stop", "got a string of %d bytes, want 1 to %d", len(s), MaxStop)
		}
	}
	to.Stop = r.Stop
	to.IgnoreEOS = r.IgnoreEOS
	return r.sampling(op, &to.Sampling)
}

// sampling fills s; what the request leaves out stays nil, so that the model's
// own values hold.
func (r *request) sampling(op string, s *loader.Sampling) error {
	for _, f := range []struct {
		name     string
		from     *float64
		to       **float32
		min, max float64
	}{
		{"temperature", r.Temperature, &s.Temperature, 0, 2},
		{"top_p", r.TopP, &s.TopP, math.SmallestNonzeroFloat32, 1},
		{"min_p", r.MinP, &s.MinP, 0, 1},
		{"presence_penalty", r.PresencePenalty, &s.PresencePenalty, -2, 2},
		{"frequency_penalty", r.FrequencyPenalty, &s.FrequencyPenalty, -2, 2},
		{"repetition_penalty", r.RepetitionPenalty, &s.RepetitionPenalty, math.SmallestNonzeroFloat32, 2},
	} {
		if f.from == nil {
			continue
		}
		if err := within(op, f.name, *f.from, f.min, f.max); err != nil {
			return err
		}
		v := float32(*f.from)
		*f.to = &v
	}
	if r.TopK != nil {
		// -1 is vLLM's way to say all.
		if err := within(op, "top_k", float64(*r.TopK), -1, math.MaxInt32); err != nil {
			return err
		}
		k := max(0, int(*r.TopK))
		s.TopK = &k
	}
	if r.Seed != nil {
		seed := uint64(*r.Seed) //nolint:gosec // any 64 bits are a seed
		s.Seed = &seed
	}
	return nil
}

func within(op, name string, got, least, most float64) error {
	if got >= least && got <= most {
		return nil
	}
	if least == math.SmallestNonzeroFloat32 {
		return badField(op, name, "got %s, want more than 0 and at most %s", number(got), number(most))
	}
	return badField(op, name, "got %s, want %s to %s", number(got), number(least), number(most))
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
