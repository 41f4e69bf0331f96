package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"samara/loader"
	"samara/loader/chat"
	"samara/web/client"
)

// A question is what run asks a model: a conversation, or with raw a text to
// continue.
type question struct {
	messages []message
	raw      string
	sampling sampling
}

// A message is one turn of a conversation.
type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// sampling says how the answer is chosen; nil leaves it to the model.
type sampling struct {
	Temperature *float32 `help:"0 always takes the likeliest token."`
	TopP        *float32 `help:"Keep the smallest set of tokens with this probability."`
	TopK        *int     `help:"Keep so many of the likeliest tokens."`
	MinP        *float32 `help:"Drop tokens less likely than this share of the likeliest."`
	Seed        *uint64  `help:"Same seed, same answer."`
	MaxTokens   int      `help:"At most so many tokens." placeholder:"N"`
	Stop        []string `help:"Text that ends the answer." sep:"none" placeholder:"TEXT"`
}

// An answer is what run reports with --json.
type answer struct {
	Text         string  `json:"text"`
	IDs          []int32 `json:"ids"`
	PromptIDs    []int32 `json:"prompt_ids"`
	FinishReason string  `json:"finish_reason"`
	Usage        usageOf `json:"usage"`
}

// usageOf counts tokens.
type usageOf struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

// An answerer answers questions: a daemon over /v1, or a loader in this process.
type answerer interface {
	// ask calls emit with the text as it comes, unless emit is nil.
	ask(ctx context.Context, q question, emit func(string) error) (answer, error)
}

// localModel answers in this process.
type localModel struct{ loader.Model }

func (m localModel) ask(ctx context.Context, q question, emit func(string) error) (answer, error) {
	s := q.sampling
	r := loader.Request{
		Prompt: q.raw, MaxTokens: s.MaxTokens, Stop: s.Stop,
		Sampling: loader.Sampling{Temperature: s.Temperature, TopP: s.TopP, TopK: s.TopK, MinP: s.MinP, Seed: s.Seed},
	}
	for _, msg := range q.messages {
		r.Messages = append(r.Messages, chat.Message{Role: msg.Role, Content: msg.Content})
	}
	res, err := m.Generate(ctx, r, func(c loader.Chunk) error {
		if emit == nil {
			return nil
		}
		return emit(c.Text)
	})
	return answer{
		Text: res.Text, IDs: notNil(res.IDs), PromptIDs: notNil(res.PromptIDs), FinishReason: res.FinishReason,
		Usage: usageOf{res.Usage.PromptTokens, res.Usage.CompletionTokens, res.Usage.PromptTokens + res.Usage.CompletionTokens},
	}, err
}

// remoteModel answers through a daemon's OpenAI routes.
type remoteModel struct {
	a     *app
	s     *session
	model string
}

// completionRequest is what both /v1 routes take.
type completionRequest struct {
	Model          string    `json:"model"`
	Messages       []message `json:"messages,omitempty"`
	Prompt         string    `json:"prompt,omitempty"`
	Stream         bool      `json:"stream,omitempty"`
	ReturnTokenIDs bool      `json:"return_token_ids,omitempty"`
	Temperature    *float32  `json:"temperature,omitempty"`
	TopP           *float32  `json:"top_p,omitempty"`
	TopK           *int      `json:"top_k,omitempty"`
	MinP           *float32  `json:"min_p,omitempty"`
	Seed           *uint64   `json:"seed,omitempty"`
	MaxTokens      int       `json:"max_tokens,omitempty"`
	Stop           []string  `json:"stop,omitempty"`
}

// completion is an answer of either route, or one chunk of it.
type completion struct {
	Choices []struct {
		Message        struct{ Content string } `json:"message"`
		Delta          struct{ Content string } `json:"delta"`
		Text           string                   `json:"text"`
		FinishReason   string                   `json:"finish_reason"`
		TokenIDs       []int32                  `json:"token_ids"`
		PromptTokenIDs []int32                  `json:"prompt_token_ids"`
	} `json:"choices"`
	PromptTokenIDs []int32       `json:"prompt_token_ids"`
	Usage          usageOf       `json:"usage"`
	Error          *client.Error `json:"error"`
}

func (m remoteModel) ask(ctx context.Context, q question, emit func(string) error) (answer, error) {
	s := q.sampling
	req := completionRequest{
		Model: m.model, Messages: q.messages, Prompt: q.raw,
		Stream: emit != nil, ReturnTokenIDs: emit == nil,
		Temperature: s.Temperature, TopP: s.TopP, TopK: s.TopK, MinP: s.MinP, Seed: s.Seed,
		MaxTokens: s.MaxTokens, Stop: s.Stop,
	}
	route := "v1/chat/completions"
	if q.messages == nil {
		route = "v1/completions"
	}
	if emit != nil {
		var resp *http.Response
		err := m.a.outlive(m.s, func() (err error) {
			resp, err = m.post(ctx, route, req)
			return client.Outcome(resp, err)
		})
		if err != nil {
			return answer{}, err
		}
		return streamed(resp, nil, emit)
	}
	var c completion
	err := m.a.outlive(m.s, func() (err error) {
		c, err = client.Decode[completion](m.post(ctx, route, req))
		return err
	})
	if err != nil {
		return answer{}, err
	}
	if len(c.Choices) == 0 {
		return answer{}, fmt.Errorf("ask %s: got an answer without a choice", m.model)
	}
	first := c.Choices[0]
	prompt := c.PromptTokenIDs // where a chat's answer has them
	if prompt == nil {
		prompt = first.PromptTokenIDs // where a completion's has them
	}
	return answer{
		Text: first.Message.Content + first.Text, FinishReason: first.FinishReason,
		IDs:       notNil(first.TokenIDs),
		PromptIDs: notNil(prompt),
		Usage:     c.Usage,
	}, nil
}

// streamed reads an answer that comes in chunks.
func streamed(resp *http.Response, err error, emit func(string) error) (answer, error) {
	var got answer
	events, err := client.EventStream(resp, err)
	if err != nil {
		return got, err
	}
	for e, err := range events {
		if err != nil {
			return got, err
		}
		if string(e.Data) == "[DONE]" {
			return got, nil
		}
		var c completion
		if err := json.Unmarshal(e.Data, &c); err != nil {
			return got, fmt.Errorf("read answer: %w", err)
		}
		if c.Error != nil {
			return got, client.FromError("", c.Error)
		}
		if len(c.Choices) == 0 {
			continue
		}
		text := c.Choices[0].Delta.Content + c.Choices[0].Text
		got.Text += text
		got.FinishReason = c.Choices[0].FinishReason
		if err := emit(text); err != nil {
			return got, err
		}
	}
	return got, errNoResult
}

// post sends a JSON body.
func (m remoteModel) post(ctx context.Context, route string, body any) (*http.Response, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.s.Server+route, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return m.s.do(ctx, req)
}

// notNil makes an empty list of a missing one, for JSON.
func notNil(ids []int32) []int32 {
	if ids == nil {
		return []int32{}
	}
	return ids
}
