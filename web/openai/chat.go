package openai

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/labstack/echo/v4"

	"samara/loader"
	"samara/loader/chat"
)

const opChat = "chat"

type chatRequest struct {
	request
	MaxCompletionTokens *int64                       `json:"max_completion_tokens"`
	Messages            []map[string]json.RawMessage `json:"messages"`
	TemplateArguments   map[string]any               `json:"chat_template_kwargs"`
}

// Chat serves POST /v1/chat/completions.
func (d *Dialect) Chat(c echo.Context) error {
	var r chatRequest
	if err := read(opChat, c.Request().Body, chatFields, &r); err != nil {
		return err
	}
	lr, err := r.build()
	if err != nil {
		return err
	}
	return d.answer(c, &r.request, lr, chatKind)
}

func (r *chatRequest) build() (loader.Request, error) {
	var lr loader.Request
	switch {
	case r.MaxCompletionTokens == nil:
	case r.MaxTokens != nil && *r.MaxTokens != *r.MaxCompletionTokens:
		return lr, badField(opChat, "max_completion_tokens", "got %d beside max_tokens %d, want one of them",
			*r.MaxCompletionTokens, *r.MaxTokens)
	default:
		r.MaxTokens, r.MaxName = r.MaxCompletionTokens, "max_completion_tokens"
	}
	if err := r.apply(opChat, &lr); err != nil {
		return lr, err
	}
	lr.Extra = r.TemplateArguments
	if len(r.Messages) == 0 || len(r.Messages) > MaxMessages {
		return lr, badField(opChat, "messages", "got %d messages, want 1 to %d", len(r.Messages), MaxMessages)
	}
	for i, fields := range r.Messages {
		m, err := message(fmt.Sprintf("messages[%d]", i), fields)
		if err != nil {
			return lr, err
		}
		lr.Messages = append(lr.Messages, m)
	}
	return lr, nil
}

// roles maps the roles of a conversation to the ones that templates know.
var roles = map[string]string{"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}

func message(path string, fields map[string]json.RawMessage) (chat.Message, error) {
	if err := check(opChat, path+".", fields, messageFields); err != nil {
		return chat.Message{}, err
	}
	var m chat.Message
	var role string
	for name, to := range map[string]*string{"role": &role, "name": &m.Name} {
		if raw, ok := fields[name]; ok && json.Unmarshal(raw, to) != nil {
			return m, badField(opChat, path+"."+name, "want a string")
		}
	}
	if role == "tool" || role == "function" {
		return m, unsupported(opChat, path+".role", "got %q: tools are not supported", role)
	}
	if m.Role = roles[role]; m.Role == "" {
		return m, badField(opChat, path+".role", "got %q, want system, developer, user or assistant", shorten(role))
	}
	var err error
	m.Content, err = content(path+".content", fields["content"])
	return m, err
}

// content reads a string, or an array of parts that are all text.
func content(path string, raw json.RawMessage) (string, error) {
	if raw == nil || string(raw) == "null" {
		return "", badField(opChat, path, "want a string or an array of parts")
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var parts []struct {
		Type string  `json:"type"`
		Text *string `json:"text"`
	}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return "", badField(opChat, path, "want a string or an array of parts")
	}
	var all strings.Builder
	for i, p := range parts {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case p.Type == "image_url" || p.Type == "input_image" || p.Type == "image":
			return "", unsupported(opChat, at, "got a part of type %s: images are not supported", p.Type)
		case p.Type != "text":
			return "", unsupported(opChat, at, "got a part of type %q, want text", shorten(p.Type))
		case p.Text == nil:
			return "", badField(opChat, at+".text", "want a string")
		}
		all.WriteString(*p.Text)
	}
	return all.String(), nil
}
