package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"samara/loader"
	"samara/registry"
	"samara/web"
	"samara/web/client"
)

// Every row of the table reaches the caller with its status, code, type and
// hint, in both dialects.
func TestErrorsOfEveryCode(t *testing.T) {
	h := newHarness(t)
	for _, code := range client.Codes() {
		want := client.NewError("", code, "try thing: no").WithHint("try another")
		h.err = fmt.Errorf("wrapped: %w", want)

		resp, body := h.do("GET", "/samara/v1/versions", "")
		var ours client.ErrorResponse
		if err := json.Unmarshal([]byte(body), &ours); err != nil {
			t.Fatalf("%s: %v: %s", code, err, body)
		}
		if got := ours.Error; resp.StatusCode != want.HTTPStatus() || got.Code != code || got.Type != want.Type ||
			got.Message != want.Message || got.Hint != want.Hint || got.Op != "listVersions" {
			t.Errorf("%s: got %d: %s", code, resp.StatusCode, body)
		}

		resp, body = h.do("GET", "/v1/models", "")
		var openai struct {
			Error struct {
				Message, Type, Code string
				Param               *string
			}
		}
		if err := json.Unmarshal([]byte(body), &openai); err != nil {
			t.Fatalf("%s: %v: %s", code, err, body)
		}
		if got := openai.Error; resp.StatusCode != want.HTTPStatus() || got.Code != code || got.Type != want.Type || got.Message != want.Message {
			t.Errorf("%s in OpenAI's shape: got %d: %s", code, resp.StatusCode, body)
		}
	}
}

// An error without a code is logged; only an admin reads what it says.
func TestInternalErrorsAreHidden(t *testing.T) {
	h := newHarness(t)
	h.err = errors.New("open /secret/path: boom")
	resp, body := h.do("GET", "/samara/v1/versions", "", as(web.RoleRead))
	if resp.StatusCode != 500 || strings.Contains(body, "secret") {
		t.Errorf("as reader: got %d: %s", resp.StatusCode, body)
	}
	id := resp.Header.Get("X-Request-Id")
	if id == "" || !strings.Contains(body, id) || !strings.Contains(h.log.String(), "request="+id) {
		t.Errorf("request id %q is not in answer and log: %s", id, body)
	}
	if !strings.Contains(h.log.String(), "/secret/path: boom") {
		t.Errorf("the log does not say what happened: %s", h.log.String())
	}
	if resp, body = h.do("GET", "/samara/v1/versions", ""); resp.StatusCode != 500 || !strings.Contains(body, "/secret/path: boom") {
		t.Errorf("as admin: got %d: %s", resp.StatusCode, body)
	}
}

func TestErrorsOfOthersKeepTheirCode(t *testing.T) {
	h := newHarness(t)
	for name, tc := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"not found":  {&registry.NotFoundError{Kind: "version", Name: "x"}, 404, "not_found"},
		"locked":     {&registry.LockedError{Dir: "/d"}, 423, "locked"},
		"context":    {&loader.ContextError{Tokens: 9, Limit: 8}, 400, "context_length_exceeded"},
		"deadline":   {context.DeadlineExceeded, 504, "timeout"},
		"unknown":    {&oddError{}, 500, "odd"},
		"tag exists": {&registry.TagExistsError{}, 409, "conflict"},
	} {
		h.err = tc.err
		resp, body := h.do("GET", "/samara/v1/versions", "")
		if resp.StatusCode != tc.status || !strings.Contains(body, `"code":"`+tc.code+`"`) {
			t.Errorf("%s: got %d, want %d %s: %s", name, resp.StatusCode, tc.status, tc.code, body)
		}
	}
}

type oddError struct{}

func (*oddError) Error() string { return "odd thing" }
func (*oddError) Code() string  { return "odd" }

func TestPanicsBecomeErrors(t *testing.T) {
	h := newHarness(t)
	h.generate = func(context.Context, string, loader.Request, func(loader.Chunk) error) (loader.Result, error) {
		panic("boom")
	}
	resp, body := h.do("POST", "/v1/completions", `{"model":"ns/m","prompt":"x"}`, as(web.RoleInfer))
	if resp.StatusCode != 500 || strings.Contains(body, "boom") {
		t.Errorf("got %d: %s", resp.StatusCode, body)
	}
	if !strings.Contains(h.log.String(), "boom") || !strings.Contains(h.log.String(), "errors_test.go") {
		t.Error("the log has no stack")
	}
	if resp, _ := h.do("GET", "/healthz", ""); resp.StatusCode != 200 {
		t.Error("the server is gone")
	}
}

func TestUnknownRoutes(t *testing.T) {
	h := newHarness(t)
	for _, tc := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/nowhere", 404},
		{"GET", "/samara/v1/nowhere", 404},
		{"GET", "/v1/nowhere", 404},
		{"PATCH", "/v1/models", 405},
		{"BREW", "/v1/models", 405},
		{"GET", "/samara/v1/version/../../../etc/passwd", 404},
		{"GET", "//samara/v1/info", 404},
	} {
		resp, body := h.do(tc.method, tc.path, "", as(web.RolePublic))
		if resp.StatusCode != tc.status || !json.Valid([]byte(body)) {
			t.Errorf("%s %s: got %d, want %d: %s", tc.method, tc.path, resp.StatusCode, tc.status, body)
		}
	}
}
