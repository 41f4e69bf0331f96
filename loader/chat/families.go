package chat

import (
	"embed"
	"fmt"
)

//go:embed families/*.jinja
var familyFiles embed.FS

// A family is a group of models that share a way to write conversations, known
// by the special tokens that their vocabularies have.
type family struct {
	name    string
	file    string
	version int // of Mistral's format, else 0
	tokens  []string
	archs   []string // where tokens alone do not tell
}

// families are looked through in order.
var families = []family{
	{name: "mistral-v7", file: "mistral", version: 7, tokens: []string{"[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[TOOL_CONTENT]"}},
	{name: "mistral-v3", file: "mistral", version: 3, tokens: []string{"[INST]", "[/INST]"}},
	{name: "chatml", file: "chatml", tokens: []string{"<|im_start|>", "<|im_end|>"}},
	{name: "llama3", file: "llama3", tokens: []string{"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}},
	{name: "gemma", file: "gemma", tokens: []string{"<start_of_turn>", "<end_of_turn>"}},
	{name: "phi3", file: "phi3", tokens: []string{"<|user|>", "<|assistant|>", "<|end|>"}},
	{name: "mistral-v1", file: "mistral", version: 1, archs: []string{"mistral", "mixtral"}},
}

// Known returns the template of the family that a model without a template of
// its own belongs to, and the family's name. find says whether the vocabulary
// has a special token of that name, architecture is the model's, and version
// is what the tokenizer's file says of its format ("v3" in a tekken.json), "" for
// nothing. ok is false where no family fits: such a model cannot chat.
func Known(find func(token string) bool, architecture, version string) (t *Template, name string, ok bool) {
	for _, f := range families {
		if !f.fits(find, architecture, version) {
			continue
		}
		t, err := f.template()
		return t, f.name, err == nil
	}
	return nil, "", false
}

func (f *family) fits(find func(string) bool, architecture, version string) bool {
	if f.version > 0 && version != "" {
		// A numbered file has the names of later formats too, unused.
		return find("[INST]") && version == fmt.Sprintf("v%d", f.version)
	}
	for _, token := range f.tokens {
		if !find(token) {
			return false
		}
	}
	for _, a := range f.archs {
		if a == architecture {
			return true
		}
	}
	return len(f.archs) == 0
}

// template compiles the family's template.
func (f *family) template() (*Template, error) {
	source, err := familyFiles.ReadFile("families/" + f.file + ".jinja")
	if err != nil {
		return nil, fmt.Errorf("template of %s: %w", f.name, err)
	}
	t, err := Compile(fmt.Sprintf("{%%- set version = %d -%%}\n%s", f.version, source))
	if err != nil {
		return nil, fmt.Errorf("template of %s: %w", f.name, err)
	}
	t.own = true
	return t, nil
}
