package openai

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// A rule says what becomes of one field.
type rule int

const (
	// honoured fields are decoded into a request.
	honoured rule = iota + 1
	// harmless fields say something about the caller or its bookkeeping, and
	// change no answer.
	harmless
	// neutral fields are refused unless their value asks for nothing: null,
	// false, "", [] or {}, or one of the values in neutralValues.
	neutral
)

var commonFields = map[string]rule{
	"model": honoured, "stream": honoured, "stream_options": honoured, "max_tokens": honoured,
	"temperature": honoured, "top_p": honoured, "seed": honoured, "stop": honoured,
	"presence_penalty": honoured, "frequency_penalty": honoured,
	"top_k": honoured, "min_p": honoured, "repetition_penalty": honoured, "ignore_eos": honoured,
	"return_token_ids": honoured,

	"user": harmless,

	"n": neutral, "logprobs": neutral, "logit_bias": neutral,
}

var chatFields = with(commonFields, map[string]rule{
	"messages": honoured, "max_completion_tokens": honoured, "chat_template_kwargs": honoured,

	"metadata": harmless, "store": harmless, "service_tier": harmless, "safety_identifier": harmless,
	"prompt_cache_key": harmless, "prompt_cache_retention": harmless, "parallel_tool_calls": harmless,

	"top_logprobs": neutral, "tools": neutral, "tool_choice": neutral, "functions": neutral,
	"function_call": neutral, "response_format": neutral, "modalities": neutral, "audio": neutral,
	"prediction": neutral, "reasoning_effort": neutral, "verbosity": neutral, "web_search_options": neutral,
})

var completionFields = with(commonFields, map[string]rule{
	"prompt": honoured,
	"echo":   neutral, "suffix": neutral, "best_of": neutral,
})

var messageFields = map[string]rule{
	"role": honoured, "content": honoured, "name": honoured,
	"refusal": neutral, "annotations": neutral, "audio": neutral, "reasoning_content": neutral,
	"tool_calls": neutral, "tool_call_id": neutral, "function_call": neutral,
}

// neutralValues are the values of neutral fields, beside the empty ones, that
// ask for what is done anyway.
var neutralValues = map[string][]string{
	"n":               {"1"},
	"best_of":         {"1"},
	"top_logprobs":    {"0"},
	"tool_choice":     {`"none"`, `"auto"`},
	"function_call":   {`"none"`, `"auto"`},
	"response_format": {`{"type":"text"}`},
	"modalities":      {`["text"]`},
}

// neutralHints say what a refused field would take.
var neutralHints = map[string]string{
	"n":       "want 1: ask again for another answer",
	"best_of": "want 1",
}

// emptyValues ask for nothing in any field.
var emptyValues = []string{"null", "false", `""`, "[]", "{}"}

func with(a, b map[string]rule) map[string]rule {
	all := map[string]rule{}
	for _, m := range []map[string]rule{a, b} {
		for name, r := range m {
			all[name] = r
		}
	}
	return all
}

// check refuses, by its name, the first field of an object that the rules do
// not let through. path precedes the name: "messages[0].".
func check(op, path string, fields map[string]json.RawMessage, rules map[string]rule) error {
	for _, name := range sortedKeys(fields) {
		switch rules[name] {
		case honoured, harmless:
		case neutral:
			if !asksNothing(name, fields[name]) {
				problem := neutralHints[name]
				if problem == "" {
					problem = "not supported"
				}
				return unsupported(op, path+name, "%s", problem)
			}
		default:
			return unsupported(op, path+shorten(name), "not known here")
		}
	}
	return nil
}

func asksNothing(name string, value json.RawMessage) bool {
	var compact bytes.Buffer
	if err := json.Compact(&compact, value); err != nil {
		return false
	}
	text := compact.String()
	return slices.Contains(emptyValues, text) || slices.Contains(neutralValues[name], text)
}

func sortedKeys(m map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// shorten keeps a stranger's name presentable in a message.
func shorten(s string) string {
	const most = 64
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "?")
}
