package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"samara/loader"
	"samara/registry"
	"samara/web"
	"samara/web/client"
)

// record answers like say and remembers the request.
func (h *harness) record(to *loader.Request) {
	h.generate = func(_ context.Context, _ string, r loader.Request, emit func(loader.Chunk) error) (loader.Result, error) {
		*to = r
		return say(r, emit)
	}
}

const chatBody = `{"model":"ns/m","messages":[{"role":"user","content":"Hi"}]%s}`

func TestModels(t *testing.T) {
	h := newHarness(t)
	want := `{"id":"ns/m:main","object":"model","created":1772366400,"owned_by":"ns"}`
	if resp, body := h.do("GET", "/v1/models", "", as(web.RoleRead)); resp.StatusCode != 200 ||
		strings.TrimSpace(body) != `{"object":"list","data":[`+want+`]}` {
		t.Errorf("got %d: %s", resp.StatusCode, body)
	}
	for _, name := range []string{"ns/m", "ns/m:main", "ns%2Fm", "ns%2Fm%3Amain", "NS/M"} {
		if resp, body := h.do("GET", "/v1/models/"+name, ""); resp.StatusCode != 200 || strings.TrimSpace(body) != want {
			t.Errorf("%s: got %d: %s", name, resp.StatusCode, body)
		}
	}
	for _, name := range []string{"ns/other", "ns/m:old", "gpt-4", "..%2F..%2Fetc", "%00", "a%20b"} {
		resp, body := h.do("GET", "/v1/models/"+name, "")
		if resp.StatusCode != 404 || !strings.Contains(body, `"code":"model_not_found"`) {
			t.Errorf("%s: got %d: %s", name, resp.StatusCode, body)
		}
	}
}

func TestChat(t *testing.T) {
	h := newHarness(t)
	var got loader.Request
	h.record(&got)
	resp, body := h.do("POST", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"temperature":0.5,"top_p":1,"top_k":-1,
		"min_p":0.1,"seed":-1,"presence_penalty":-2,"frequency_penalty":1.5,"repetition_penalty":1.1,
		"max_completion_tokens":5,"max_tokens":5,"stop":["a","b"],"user":"u","metadata":{"a":"b"},"store":true,"n":1,
		"logprobs":false,"tools":[],"tool_choice":"auto","response_format":{"type":"text"},"logit_bias":null,
		"chat_template_kwargs":{"enable_thinking":false},"return_token_ids":true,"stream":false,"stream_options":null`), as(web.RoleInfer))
	var answer struct {
		ID, Object, Model string
		Created           int64
		Choices           []struct {
			Index   int
			Message struct {
				Role, Content string
				Refusal       *string
			}
			Logprobs     any
			FinishReason string  `json:"finish_reason"`
			TokenIDs     []int32 `json:"token_ids"`
		}
		Usage          map[string]int
		PromptTokenIDs []int32 `json:"prompt_token_ids"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || resp.StatusCode != 200 {
		t.Fatalf("got %d, %v: %s", resp.StatusCode, err, body)
	}
	choice := answer.Choices[0]
	if !strings.HasPrefix(answer.ID, "chatcmpl-") || answer.Object != "chat.completion" || answer.Model != "ns/m" ||
		answer.Created == 0 || choice.Message.Role != "assistant" || choice.Message.Content != "Hello world" ||
		choice.FinishReason != "stop" || !slices.Equal(choice.TokenIDs, []int32{7, 8, 9}) ||
		!slices.Equal(answer.PromptTokenIDs, []int32{1, 2}) {
		t.Errorf("got %s", body)
	}
	if u := answer.Usage; u["prompt_tokens"] != 2 || u["completion_tokens"] != 3 || u["total_tokens"] != 5 {
		t.Errorf("got usage %v", u)
	}
	s := got.Sampling
	if *s.Temperature != 0.5 || *s.TopP != 1 || *s.TopK != 0 || *s.MinP != 0.1 || *s.Seed != 1<<64-1 ||
		*s.PresencePenalty != -2 || *s.FrequencyPenalty != 1.5 || *s.RepetitionPenalty != 1.1 {
		t.Errorf("got sampling %+v", s)
	}
	if got.MaxTokens != 5 || !slices.Equal(got.Stop, []string{"a", "b"}) || got.Extra["enable_thinking"] != false {
		t.Errorf("got request %+v", got)
	}
	if m := got.Messages[0]; len(got.Messages) != 1 || m.Role != "user" || m.Content != "Hi" {
		t.Errorf("got messages %+v", got.Messages)
	}
}

// What the request leaves out is left to the model.
func TestChatDefaults(t *testing.T) {
	h := newHarness(t)
	var got loader.Request
	h.record(&got)
	_, body := h.do("POST", "/v1/chat/completions", fmt.Sprintf(chatBody, ""))
	if s := (loader.Sampling{}); got.Sampling != s || got.MaxTokens != 0 || got.Stop != nil {
		t.Errorf("got request %+v", got)
	}
	if strings.Contains(body, "token_ids") {
		t.Errorf("token ids without being asked for: %s", body)
	}
}

func TestChatMessages(t *testing.T) {
	h := newHarness(t)
	var got loader.Request
	h.record(&got)
	resp, body := h.do("POST", "/v1/chat/completions", `{"model":"ns/m","stop":"x","messages":[
		{"role":"developer","content":"Be brief.","name":"boss"},
		{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
		{"role":"assistant","content":"c","refusal":null,"tool_calls":[],"annotations":[]}]}`)
	if resp.StatusCode != 200 {
		t.Fatalf("got %d: %s", resp.StatusCode, body)
	}
	var all []string
	for _, m := range got.Messages {
		all = append(all, m.Role+"/"+m.Name+"/"+m.Content)
	}
	if want := []string{"system/boss/Be brief.", "user//ab", "assistant//c"}; !slices.Equal(all, want) {
		t.Errorf("got %q, want %q", all, want)
	}
	if !slices.Equal(got.Stop, []string{"x"}) {
		t.Errorf("got stop %q", got.Stop)
	}
}

func TestChatStream(t *testing.T) {
	h := newHarness(t)
	resp, body := h.do("POST", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"stream":true,"stream_options":{"include_usage":true}`))
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got != "text/event-stream" {
		t.Fatalf("got %d %s: %s", resp.StatusCode, got, body)
	}
	events := sse(t, body)
	if events[len(events)-1] != "[DONE]" {
		t.Errorf("got last event %s", events[len(events)-1])
	}
	var text strings.Builder
	var ids []string
	for i, e := range events[:len(events)-1] {
		var chunk struct {
			ID, Object string
			Choices    []struct {
				Delta        struct{ Role, Content string }
				FinishReason *string `json:"finish_reason"`
			}
			Usage *struct {
				TotalTokens int `json:"total_tokens"`
			}
		}
		if err := json.Unmarshal([]byte(e), &chunk); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, chunk.ID)
		if chunk.Object != "chat.completion.chunk" {
			t.Errorf("got object %s", chunk.Object)
		}
		switch i {
		case len(events) - 2:
			if len(chunk.Choices) != 0 || chunk.Usage == nil || chunk.Usage.TotalTokens != 5 {
				t.Errorf("got usage chunk %s", e)
			}
			continue
		case 0:
			if chunk.Choices[0].Delta.Role != "assistant" {
				t.Errorf("got first chunk %s", e)
			}
		case len(events) - 3:
			if r := chunk.Choices[0].FinishReason; r == nil || *r != "stop" {
				t.Errorf("got final chunk %s", e)
			}
		default:
			if chunk.Choices[0].FinishReason != nil || !strings.Contains(e, `"finish_reason":null`) {
				t.Errorf("a finish reason too early: %s", e)
			}
		}
		text.WriteString(chunk.Choices[0].Delta.Content)
	}
	if text.String() != "Hello world" || len(slices.Compact(ids)) != 1 {
		t.Errorf("got text %q under ids %q", text.String(), ids)
	}
	// Without being asked, no usage, and no chunk that says nothing.
	_, body = h.do("POST", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"stream":true`))
	if got := len(sse(t, body)); strings.Contains(body, "usage") || got != 5 {
		t.Errorf("got %d events: %s", got, body)
	}
}

// sse takes a stream of events without names apart.
func sse(t *testing.T, body string) []string {
	t.Helper()
	if !strings.HasSuffix(body, "\n\n") {
		t.Fatalf("the last event does not end: %q", body)
	}
	var events []string
	for _, block := range strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		data, ok := strings.CutPrefix(block, "data: ")
		if !ok || strings.Contains(data, "\n") {
			t.Fatalf("got event %q", block)
		}
		events = append(events, data)
	}
	return events
}

func TestCompletions(t *testing.T) {
	h := newHarness(t)
	var got loader.Request
	h.record(&got)
	for prompt, want := range map[string]loader.Request{
		`"Once"`:      {Prompt: "Once"},
		`["Once"]`:    {Prompt: "Once"},
		`""`:          {},
		`[1,2,3]`:     {PromptIDs: []int32{1, 2, 3}},
		`[[1,2,3]]`:   {PromptIDs: []int32{1, 2, 3}},
		` [ [ 1 ] ] `: {PromptIDs: []int32{1}},
	} {
		resp, body := h.do("POST", "/v1/completions", `{"model":"ns/m","return_token_ids":true,"echo":false,"best_of":1,"suffix":null,"prompt":`+prompt+`}`)
		if resp.StatusCode != 200 || got.Prompt != want.Prompt || !slices.Equal(got.PromptIDs, want.PromptIDs) || got.MaxTokens != 16 {
			t.Errorf("prompt %s: got %d, request %+v: %s", prompt, resp.StatusCode, got, body)
		}
		for _, part := range []string{
			`"object":"text_completion"`, `"id":"cmpl-`, `"text":"Hello world"`, `"finish_reason":"stop"`,
			`"token_ids":[7,8,9]`, `"prompt_token_ids":[1,2]`,
		} {
			if !strings.Contains(body, part) {
				t.Errorf("answer lacks %s: %s", part, body)
			}
		}
	}
	_, body := h.do("POST", "/v1/completions", `{"model":"ns/m","prompt":"x","stream":true,"return_token_ids":true,"max_tokens":3}`)
	events := sse(t, body)
	if got.MaxTokens != 3 || len(events) != 5 || !strings.Contains(events[1], `"token_ids":[8]`) || !strings.Contains(events[3], `"prompt_token_ids":[1,2]`) {
		t.Errorf("got %s", body)
	}
}

// An answer of no tokens still lists them, empty.
func TestNoTokens(t *testing.T) {
	h := newHarness(t)
	h.generate = func(context.Context, string, loader.Request, func(loader.Chunk) error) (loader.Result, error) {
		return loader.Result{PromptIDs: []int32{1}, FinishReason: loader.FinishStop}, nil
	}
	for _, stream := range []string{"true", "false"} {
		_, body := h.do("POST", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"return_token_ids":true,"stream":`+stream))
		if stream == "false" && !strings.Contains(body, `"token_ids":[]`) {
			t.Errorf("got %s", body)
		}
		if stream == "true" && (len(sse(t, body)) != 3 || !strings.Contains(body, `"role":"assistant"`)) {
			t.Errorf("got %s", body)
		}
	}
}

// What Samara does not do is refused by name, with 400, before the model is
// asked.
func TestFieldsAreRefusedByName(t *testing.T) {
	h := newHarness(t)
	const chat, text = "/v1/chat/completions", "/v1/completions"
	for _, tc := range []struct{ path, field, value, code string }{
		{chat, "n", `2`, "unsupported"},
		{chat, "logprobs", `true`, "unsupported"},
		{chat, "top_logprobs", `3`, "unsupported"},
		{chat, "tools", `[{"type":"function"}]`, "unsupported"},
		{chat, "tool_choice", `"required"`, "unsupported"},
		{chat, "response_format", `{"type":"json_object"}`, "unsupported"},
		{chat, "logit_bias", `{"1":2}`, "unsupported"},
		{chat, "modalities", `["audio"]`, "unsupported"},
		{chat, "reasoning_effort", `"low"`, "unsupported"},
		{chat, "prompt", `"x"`, "unsupported"},
		{chat, "Temperature", `1`, "unsupported"},
		{chat, "no_such_field", `null`, "unsupported"},
		{chat, "max_tokens", `0`, "invalid_request"},
		{chat, "max_tokens", `1.5`, "invalid_request"},
		{chat, "max_completion_tokens", `-1`, "invalid_request"},
		{chat, "temperature", `3`, "invalid_request"},
		{chat, "temperature", `"hot"`, "invalid_request"},
		{chat, "top_p", `0`, "invalid_request"},
		{chat, "min_p", `1.5`, "invalid_request"},
		{chat, "top_k", `-2`, "invalid_request"},
		{chat, "presence_penalty", `2.5`, "invalid_request"},
		{chat, "stream", `"yes"`, "invalid_request"},
		{chat, "stop", `5`, "invalid_request"},
		{chat, "stop", `[""]`, "invalid_request"},
		{chat, "stop", `["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17"]`, "invalid_request"},
		{chat, "stream_options", `{"include_usage":true}`, "invalid_request"},
		{chat, "stream_options", `{"chunk_size":1}`, "unsupported"},
		{chat, "messages", `[]`, "invalid_request"},
		{chat, "messages", `"Hi"`, "invalid_request"},
		{chat, "model", `""`, "invalid_request"},
		{text, "prompt", `["a","b"]`, "unsupported"},
		{text, "prompt", `[[1],[2]]`, "unsupported"},
		{text, "prompt", `[-1]`, "invalid_request"},
		{text, "prompt", `[1.5]`, "invalid_request"},
		{text, "prompt", `[]`, "invalid_request"},
		{text, "prompt", `null`, "invalid_request"},
		{text, "prompt", `{}`, "invalid_request"},
		{text, "echo", `true`, "unsupported"},
		{text, "suffix", `"end"`, "unsupported"},
		{text, "best_of", `2`, "unsupported"},
		{text, "logprobs", `5`, "unsupported"},
		{text, "messages", `[]`, "unsupported"},
	} {
		fields := map[string]json.RawMessage{"model": json.RawMessage(`"ns/m"`)}
		if tc.path == chat {
			fields["messages"] = json.RawMessage(`[{"role":"user","content":"Hi"}]`)
		} else {
			fields["prompt"] = json.RawMessage(`"Hi"`)
		}
		fields[tc.field] = json.RawMessage(tc.value)
		request, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		resp, body := h.do("POST", tc.path, string(request))
		var e openAIError
		if err := json.Unmarshal([]byte(body), &e); err != nil || resp.StatusCode != 400 || e.Error.Code != tc.code ||
			!strings.HasPrefix(e.Error.Param, tc.field) || e.Error.Type != "invalid_request_error" || !strings.Contains(e.Error.Message, tc.field) {
			t.Errorf("%s %s=%s: got %d: %s", tc.path, tc.field, tc.value, resp.StatusCode, body)
		}
	}
	if calls := h.lastCall(); calls != "" {
		t.Errorf("the model was asked: %s", calls)
	}
}

type openAIError struct {
	Error struct{ Message, Type, Param, Code string }
}

func TestMessagesAreRefusedByName(t *testing.T) {
	h := newHarness(t)
	for name, tc := range map[string]struct{ message, param, says string }{
		"image":            {`{"role":"user","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"data:,"}}]}`, "messages[1].content[1]", "images are not supported"},
		"audio":            {`{"role":"user","content":[{"type":"input_audio"}]}`, "messages[1].content[0]", "input_audio"},
		"text without one": {`{"role":"user","content":[{"type":"text"}]}`, "messages[1].content[0].text", "string"},
		"number":           {`{"role":"user","content":7}`, "messages[1].content", "string"},
		"no content":       {`{"role":"user"}`, "messages[1].content", "string"},
		"null content":     {`{"role":"assistant","content":null}`, "messages[1].content", "string"},
		"tool":             {`{"role":"tool","content":"x"}`, "messages[1].role", "tools are not supported"},
		"tool calls":       {`{"role":"assistant","content":"","tool_calls":[{"id":"1"}]}`, "messages[1].tool_calls", "not supported"},
		"unknown role":     {`{"role":"king","content":"x"}`, "messages[1].role", "king"},
		"no role":          {`{"content":"x"}`, "messages[1].role", "want system"},
		"unknown field":    {`{"role":"user","content":"x","mood":"good"}`, "messages[1].mood", "not known"},
		"name":             {`{"role":"user","content":"x","name":7}`, "messages[1].name", "string"},
	} {
		resp, body := h.do("POST", "/v1/chat/completions", `{"model":"ns/m","messages":[{"role":"user","content":"Hi"},`+tc.message+`]}`)
		var e openAIError
		if err := json.Unmarshal([]byte(body), &e); err != nil || resp.StatusCode != 400 || e.Error.Param != tc.param || !strings.Contains(e.Error.Message, tc.says) {
			t.Errorf("%s: got %d: %s", name, resp.StatusCode, body)
		}
	}
	for name, body := range map[string]string{
		"no JSON": `{"model":`, "array": `[]`, "text": `"x"`, "deep": strings.Repeat("[", 100000), "two": `{} {}`,
		"max_tokens differ": fmt.Sprintf(chatBody, `,"max_tokens":1,"max_completion_tokens":2`),
	} {
		if resp, answer := h.do("POST", "/v1/chat/completions", body); resp.StatusCode != 400 || !json.Valid([]byte(answer)) {
			t.Errorf("%s: got %d: %s", name, resp.StatusCode, answer)
		}
	}
}

func TestGeneratorErrors(t *testing.T) {
	h := newHarness(t)
	for name, tc := range map[string]struct {
		err           error
		status        int
		code, message string
	}{
		"unknown":        {&registry.NotFoundError{Kind: "version", Name: "ns/m:main"}, 404, "model_not_found", `find model \"ns/m\": not found`},
		"no reference":   {&registry.ReferenceError{Text: "x y", Cause: "bad"}, 404, "model_not_found", "bad"},
		"too long":       {&loader.ContextError{Tokens: 9000, Limit: 8192}, 400, "context_length_exceeded", "9000"},
		"not supported":  {&loader.UnsupportedError{Object: "model", Reason: "arch x"}, 422, "unsupported_model", "arch x"},
		"busy":           {client.NewError("", client.CodeRateLimited, "queue full"), 429, "rate_limited", "queue full"},
		"nobody's fault": {errors.New("boom"), 500, "internal", "boom"},
	} {
		h.err = tc.err
		for _, stream := range []string{"false", "true"} {
			resp, body := h.do("POST", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"stream":`+stream))
			if resp.StatusCode != tc.status || !strings.Contains(body, `"code":"`+tc.code+`"`) || !strings.Contains(body, tc.message) ||
				!strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
				t.Errorf("%s, stream %s: got %d: %s", name, stream, resp.StatusCode, body)
			}
		}
	}
}

// An error after the first token is an event of the stream.
func TestErrorInsideStream(t *testing.T) {
	h := newHarness(t)
	h.generate = func(_ context.Context, _ string, r loader.Request, emit func(loader.Chunk) error) (loader.Result, error) {
		if err := emit(loader.Chunk{Text: "Hel"}); err != nil {
			return loader.Result{}, err
		}
		return loader.Result{}, errors.New("read /secret: broken")
	}
	resp, body := h.do("POST", "/v1/chat/completions", fmt.Sprintf(chatBody, `,"stream":true`), as(web.RoleInfer))
	events := sse(t, body)
	var e openAIError
	if err := json.Unmarshal([]byte(events[len(events)-2]), &e); err != nil || resp.StatusCode != 200 ||
		e.Error.Code != "internal" || e.Error.Message == "" || events[len(events)-1] != "[DONE]" {
		t.Errorf("got %d: %s", resp.StatusCode, body)
	}
	if strings.Contains(body, "secret") || !strings.Contains(h.log.String(), "secret") {
		t.Errorf("the cause is not in the log alone: %s", body)
	}
}

// A client that goes away ends the generation.
func TestClientGoesAway(t *testing.T) {
	h := newHarness(t)
	ended := make(chan error, 1)
	h.generate = func(ctx context.Context, _ string, _ loader.Request, emit func(loader.Chunk) error) (loader.Result, error) {
		if err := emit(loader.Chunk{Text: "x"}); err != nil {
			return loader.Result{}, err
		}
		<-ctx.Done()
		ended <- ctx.Err()
		return loader.Result{}, ctx.Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "POST", h.url+"/v1/chat/completions", strings.NewReader(fmt.Sprintf(chatBody, `,"stream":true`)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminKey)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
