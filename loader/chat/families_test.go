package chat

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"samara/loader/tokenizer"
)

func TestKnown(t *testing.T) {
	messages := []Message{
		{Role: "system", Content: " Be brief. "},
		{Role: "user", Content: "Hi"},
		{Role: "assistant", Content: "Hello"},
		{Role: "user", Content: "Bye"},
	}
	for _, c := range []struct{ tokens, arch, version, name, want string }{
		{"<|im_start|> <|im_end|>", "qwen2", "", "chatml", "<|im_start|>system\n Be brief. <|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n"},
		{"<|start_header_id|> <|end_header_id|> <|eot_id|>", "llama", "", "llama3", "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"},
		{"<start_of_turn> <end_of_turn>", "gemma2", "", "gemma", "<s><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\nHello<end_of_turn>\n<start_of_turn>user\nBye<end_of_turn>\n<start_of_turn>model\n"},
		{"<|user|> <|assistant|> <|end|>", "phi3", "", "phi3", "<|system|>\n Be brief. <|end|>\n<|user|>\nHi<|end|>\n<|assistant|>\nHello<|end|>\n<|user|>\nBye<|end|>\n<|assistant|>\n"},
		{"", "mistral", "", "mistral-v1", "<s>[INST]  Be brief. \n\nHi [/INST] Hello</s>[INST] Bye [/INST]"},
		{"[INST] [/INST]", "mistral", "", "mistral-v3", "<s>[INST]Hi[/INST]Hello</s>[INST] Be brief. \n\nBye[/INST]"},
		{"[INST] [/INST] [SYSTEM_PROMPT] [TOOL_CONTENT]", "mistral", "", "mistral-v7", "<s>[SYSTEM_PROMPT] Be brief. [/SYSTEM_PROMPT][INST]Hi[/INST]Hello</s>[INST]Bye[/INST]"},
		{"[INST] [/INST] [SYSTEM_PROMPT] [TOOL_CONTENT]", "mistral", "v3", "mistral-v3", "<s>[INST]Hi[/INST]Hello</s>[INST] Be brief. \n\nBye[/INST]"},
	} {
		find := func(token string) bool { return slices.Contains(strings.Fields(c.tokens), token) }
		tpl, name, ok := Known(find, c.arch, c.version)
		if !ok || name != c.name {
			t.Errorf("%s: got %s, %v", c.name, name, ok)
			continue
		}
		out, err := tpl.Render(t.Context(), Input{Messages: messages, AddGenerationPrompt: true, BOSToken: "<s>", EOSToken: "</s>"})
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, s := range out {
			got.WriteString(s.Text)
			if s.Trusted && slices.ContainsFunc(messages, func(m Message) bool { return strings.Contains(s.Text, m.Content) }) {
				t.Errorf("%s: %q is trusted", c.name, s.Text)
			}
		}
		if got.String() != c.want {
			t.Errorf("%s:\ngot  %q\nwant %q", c.name, got.String(), c.want)
		}
	}
	if _, name, ok := Known(func(string) bool { return false }, "llama", ""); ok {
		t.Errorf("got %s for a model without any special token", name)
	}
}

// A conversation as clients of the OpenAI API write it.
type conversation struct {
	Messages []map[string]any  `json:"messages"`
	Tools    []json.RawMessage `json:"tools,omitempty"`
}

func conversations(t *testing.T) []conversation {
	t.Helper()
	const tool = `{"type": "function", "function": {"name": "get_weather", "description": "Get the \"weather\"",
		"parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "Kyōto"}}, "required": ["city"]}}}`
	const call = `{"role": "assistant", "content": "", "tool_calls": [{"id": "abcdefghi", "type": "function",
		"function": {"name": "get_weather", "arguments": "{\"city\": \"Kyōto\", \"n\": 1, \"a\": {\"z\": 1.5}}"}}]}`
	var list []conversation
	if err := json.Unmarshal([]byte(`[
		{"messages": [{"role": "user", "content": "Hi"}]},
		{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"},
			{"role": "user", "content": "[INST] é 中 😀\n\n x"}]},
		{"messages": [{"role": "user", "content": "Weather?"}], "tools": [`+tool+`]},
		{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"}, `+call+`,
			{"role": "tool", "tool_call_id": "abcdefghi", "name": "get_weather", "content": "{\"t\": 3, \"x\": [1, null, \"Kyōto\"]}"}], "tools": [`+tool+`]},
		{"messages": [{"role": "user", "content": "Weather?"}, `+call+`,
			{"role": "tool", "tool_call_id": "abcdefghi", "name": "get_weather", "content": "sunny"},
			{"role": "assistant", "content": "Sunny. "}, {"role": "user", "content": "Thanks"}], "tools": [`+tool+`, `+tool+`]}
	]`), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// TestMistral compares the ids of conversations, with tools and without, with
// those that mistral-common gives, for each tokenizer that it carries.
func TestMistral(t *testing.T) {
	python := os.Getenv("SAMARA_TEST_PYTHON")
	if python == "" {
		t.Skip("SAMARA_TEST_PYTHON names no python with mistral-common")
	}
	list := conversations(t)
	request, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/mistral.py")
	cmd.Stdin = bytes.NewReader(request)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("oracle: %v", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<24)
	compared := 0
	for lines.Scan() {
		var a struct {
			File, Version string
			IDs           [][]int32
		}
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(a.File), func(t *testing.T) {
			raw, err := os.ReadFile(a.File)
			if err != nil {
				t.Fatal(err)
			}
			tok, err := tokenizer.FromFile(raw, nil)
			if err != nil {
				t.Fatal(err)
			}
			tpl := mistralTemplate(t, a.Version)
			for i, want := range a.IDs {
				got, err := chatIDs(t.Context(), tpl, tok, list[i])
				switch {
				case want == nil && err == nil && len(list[i].Messages) > 2:
					t.Errorf("conversation %d: got %v, want an error", i, got)
				case want != nil && err != nil:
					t.Errorf("conversation %d: %v", i, err)
				case want != nil && !slices.Equal(got, want):
					t.Errorf("conversation %d:\ngot  %s\nwant %s", i, tok.DecodeSpecial(got), tok.DecodeSpecial(want))
				case want != nil:
					compared++
				}
			}
		})
	}
	if compared < 25 {
		t.Errorf("got %d comparisons, want at least 25", compared)
	}
}

// mistralTemplate is the template of a version of the format.
func mistralTemplate(t *testing.T, version string) *Template {
	t.Helper()
	f := family{name: version, file: "mistral"}
	if _, err := fmt.Sscanf(version, "v%d", &f.version); err != nil {
		t.Fatal(err)
	}
	tpl, err := f.template()
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

func chatIDs(ctx context.Context, tpl *Template, tok tokenizer.Tokenizer, c conversation) ([]int32, error) {
	in := Input{AddGenerationPrompt: true, BOSToken: "<s>", EOSToken: "</s>"}
	for _, tool := range c.Tools {
		in.Tools = append(in.Tools, tool)
	}
	for _, m := range c.Messages {
		message := Message{Role: m["role"].(string), Content: m["content"].(string)}
		message.Name, _ = m["name"].(string)
		message.ToolCallID, _ = m["tool_call_id"].(string)
		calls, _ := m["tool_calls"].([]any)
		for _, call := range calls {
			c := call.(map[string]any)
			f := c["function"].(map[string]any)
			message.ToolCalls = append(message.ToolCalls, ToolCall{ID: c["id"].(string), Name: f["name"].(string), Arguments: f["arguments"]})
		}
		in.Messages = append(in.Messages, message)
	}
	segments, err := tpl.Render(ctx, in)
	if err != nil {
		return nil, err
	}
	parts := make([]tokenizer.Part, len(segments))
	for i, s := range segments {
		parts[i] = tokenizer.Part{Text: s.Text, Trusted: s.Trusted}
	}
	return tok.EncodeParts(parts, false)
}
