package openai

import (
	"encoding/json"
	"math"

	"github.com/labstack/echo/v4"

	"samara/loader"
)

const opComplete = "complete"

// DefaultMaxTokens bounds a completion that names no max_tokens, as OpenAI and
// vLLM do. A chat goes on until the model ends it.
const DefaultMaxTokens = 16

type completionRequest struct {
	request
	Prompt json.RawMessage `json:"prompt"`
}

// Complete serves POST /v1/completions.
func (d *Dialect) Complete(c echo.Context) error {
	var r completionRequest
	if err := read(opComplete, c.Request().Body, completionFields, &r); err != nil {
		return err
	}
	lr := loader.Request{MaxTokens: DefaultMaxTokens}
	if err := r.apply(opComplete, &lr); err != nil {
		return err
	}
	if err := prompt(r.Prompt, &lr); err != nil {
		return err
	}
	return d.answer(c, &r.request, lr, textKind)
}

// prompt reads the four forms of a prompt: a text, tokens, or an array that
// holds one of either.
func prompt(raw json.RawMessage, to *loader.Request) error {
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) == nil && len(many) > 0 && !isNumber(many[0]) {
		if len(many) > 1 {
			return unsupported(opComplete, "prompt", "got %d prompts, want 1", len(many))
		}
		raw = many[0]
	}
	if len(raw) == 0 || string(raw) == "null" {
		return badField(opComplete, "prompt", "want a text or an array of tokens")
	}
	if json.Unmarshal(raw, &to.Prompt) == nil {
		return nil
	}
	var ids []int64
	if err := json.Unmarshal(raw, &ids); err != nil || len(ids) == 0 {
		return badField(opComplete, "prompt", "want a text or an array of tokens")
	}
	for i, id := range ids {
		if id < 0 || id > math.MaxInt32 {
			return badField(opComplete, "prompt", "got token %d at %d, want none below 0 or past the vocabulary", id, i)
		}
		to.PromptIDs = append(to.PromptIDs, int32(id))
	}
	return nil
}

func isNumber(raw json.RawMessage) bool {
	return len(raw) > 0 && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9')
}
