package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"samara/web"
	"samara/web/client"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(int) { http.DefaultClient.CloseIdleConnections() }))
}

// The generated client reaches each operation, and the port gets what was sent.
func TestOperationsReachTheirPorts(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	for _, tc := range []struct {
		name string
		call func() (*http.Response, error)
		want string
	}{
		{"transfers", func() (*http.Response, error) { return h.api.ListTransfers(ctx) }, "transfers"},
		{"add link", func() (*http.Response, error) {
			return h.api.AddTransfer(ctx, client.AddRequest{Link: "magnet:?xt=1", Name: "ns/m"})
		}, "add magnet:?xt=1 token admin"},
		{"add torrent", func() (*http.Response, error) {
			return h.api.AddTransfer(ctx, client.AddRequest{Torrent: []byte("d\x00e")})
		}, "add d\x00e token admin"},
		{"get", func() (*http.Response, error) { return h.api.GetTransfer(ctx, "t1") }, "get t1"},
		{"cancel", func() (*http.Response, error) { return h.api.CancelTransfer(ctx, "t1") }, "cancel t1"},
		{"pause", func() (*http.Response, error) { return h.api.PauseTransfer(ctx, "t1") }, "pause t1"},
		{"resume", func() (*http.Response, error) { return h.api.ResumeTransfer(ctx, "t1") }, "resume t1"},
		{"peers", func() (*http.Response, error) {
			return h.api.AddPeers(ctx, "t1", client.PeersRequest{Peers: []string{"127.0.0.1:1"}})
		}, "peers t1"},
		{"peek", func() (*http.Response, error) {
			return h.api.Peek(ctx, client.PeekRequest{Link: "magnet:?xt=1"})
		}, "peek magnet:?xt=1"},
		{"versions", func() (*http.Response, error) {
			return h.api.ListVersions(ctx, &client.ListVersionsParams{After: "a", Prefix: "n"})
		}, "list a n"},
		{"versions without parameters", func() (*http.Response, error) { return h.api.ListVersions(ctx, nil) }, "list  "},
		{"version", func() (*http.Response, error) {
			return h.api.GetVersion(ctx, &client.GetVersionParams{Ref: "ns/m:v"})
		}, "show ns/m:v"},
		{"remove", func() (*http.Response, error) {
			return h.api.RemoveVersion(ctx, &client.RemoveVersionParams{Ref: "ns/m@blake3:abcdef"})
		}, "remove ns/m@blake3:abcdef token admin"},
		{"source", func() (*http.Response, error) {
			return h.api.GetSource(ctx, &client.GetSourceParams{Ref: "gpt2"})
		}, "source gpt2:main"},
		{"tag", func() (*http.Response, error) {
			return h.api.TagVersion(ctx, client.TagRequest{Target: "ns/m", Name: "ns/o:x"})
		}, "tag ns/m:main ns/o:x token admin"},
		{"gc", func() (*http.Response, error) { return h.api.CollectGarbage(ctx, client.GCRequest{DryRun: true}) }, "gc token admin"},
		{"log of all", func() (*http.Response, error) { return h.api.GetLog(ctx, nil) }, "log "},
		{"log of one", func() (*http.Response, error) { return h.api.GetLog(ctx, &client.GetLogParams{Ref: "ns/m"}) }, "log ns/m:main"},
		{"doctor", func() (*http.Response, error) { return h.api.Doctor(ctx) }, "doctor"},
		{"info", func() (*http.Response, error) { return h.api.GetInfo(ctx) }, "info"},
		{"engine", func() (*http.Response, error) { return h.api.ListEngine(ctx) }, "loaded"},
		{"unload", func() (*http.Response, error) {
			return h.api.UnloadModel(ctx, &client.UnloadModelParams{Ref: "ns/m"})
		}, "unload ns/m:main"},
	} {
		if err := client.Done(tc.call()); err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if got := h.lastCall(); got != tc.want {
			t.Errorf("%s: got call %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestAnswersHaveTheirShape(t *testing.T) {
	h := newHarness(t)
	list, err := client.Decode[client.VersionList](h.api.ListVersions(t.Context(), nil))
	if err != nil || len(list.Versions) != 1 || list.Versions[0] != fakeVersion {
		t.Errorf("got %+v, %v", list, err)
	}
	// Lists without entries are [], not null; required fields are there though
	// they are empty.
	for path, want := range map[string]string{
		"/samara/v1/transfers":        `{"transfers":[]}`,
		"/samara/v1/log":              `{"entries":[]}`,
		"/samara/v1/version?ref=ns/m": `"files":[]`,
		"/samara/v1/versions":         `"license":""`,
		"/samara/v1/version?ref=ns/n": `"magnet:?xt=x&dn=m"`,
	} {
		if _, body := h.do("GET", path, ""); !strings.Contains(body, want) {
			t.Errorf("%s: got %s, want %s in it", path, body, want)
		}
	}
	resp, body := h.do("GET", "/samara/v1/version/torrent?ref=ns/m", "")
	if got := resp.Header.Get("Content-Type"); got != "application/x-bittorrent" || !strings.HasPrefix(body, "d4:info") {
		t.Errorf("torrent: got %s: %s", got, body)
	}
	if got := resp.Header.Get("Content-Disposition"); got != `attachment; filename=m.torrent` {
		t.Errorf("torrent: got %s", got)
	}
}

func TestPeekThatFindsNobody(t *testing.T) {
	h := newHarness(t)
	h.err = fmt.Errorf("resolve: %w", context.DeadlineExceeded)
	resp, body := h.do("POST", "/samara/v1/peek", `{"link":"magnet:?xt=1"}`)
	if resp.StatusCode != 504 || !strings.Contains(body, "--peer") || !strings.Contains(body, `"code":"timeout"`) {
		t.Errorf("got %d: %s", resp.StatusCode, body)
	}
}

func TestPublishStreams(t *testing.T) {
	h := newHarness(t)
	h.progress = []client.PublishEvent{
		{Stage: "scan"},
		{Stage: "hash", BytesDone: 1, BytesTotal: 9},
		{Stage: "hash", BytesDone: 2, BytesTotal: 9}, // too soon after the one before
		{Stage: "store", BytesDone: 9, BytesTotal: 9},
	}
	request := client.PublishRequest{Path: "/models/m", Name: "ns/m"}
	var stages []string
	var last client.PublishEvent
	events, err := client.Stream[client.PublishEvent](h.api.Publish(t.Context(), request))
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		stages = append(stages, e.Stage)
		last = e
	}
	if want := []string{"scan", "hash", "store", ""}; !slices.Equal(stages, want) {
		t.Errorf("got stages %q, want %q", stages, want)
	}
	if last.Result == nil || last.Result.Reference != "ns/m" || last.Error != nil {
		t.Errorf("got last line %+v", last)
	}

	// An error after the first line is the last line.
	h.err = client.NewError("", client.CodeDiskFull, "publish /models/m: disk full")
	events, err = client.Stream[client.PublishEvent](h.api.Publish(t.Context(), request))
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		last = e
	}
	if last.Result != nil || last.Error == nil || last.Error.Code != client.CodeDiskFull || last.Error.Op != "publish" {
		t.Errorf("got last line %+v", last)
	}

	// One before it is a plain answer.
	h.progress = nil
	_, err = client.Stream[client.PublishEvent](h.api.Publish(t.Context(), request))
	if e := (*client.Error)(nil); !errors.As(err, &e) || e.Code != client.CodeDiskFull || e.ExitStatus() != 1 {
		t.Errorf("got %v", err)
	}
}

func TestVerifyStreams(t *testing.T) {
	h := newHarness(t)
	for _, bad := range [][]client.BadRange{nil, {{Path: "a", Offset: 16384, Length: 10}}} {
		h.bad = bad
		resp, body := h.do("POST", "/samara/v1/verify", `{"ref":"ns/m"}`)
		if got := resp.Header.Get("Content-Type"); got != "application/x-ndjson" {
			t.Errorf("got type %s", got)
		}
		lines := strings.Split(strings.TrimSpace(body), "\n")
		var last struct {
			Result struct {
				Reference string
				Ok        bool
				Bad       []client.BadRange
			}
		}
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
			t.Fatal(err)
		}
		if len(lines) != 2 || last.Result.Ok != (bad == nil) || last.Result.Bad == nil || !slices.Equal(last.Result.Bad, bad) {
			t.Errorf("got %s", body)
		}
	}
}

func TestEventsStream(t *testing.T) {
	h := newHarness(t)
	events, err := client.EventStream(h.api.StreamEvents(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	h.events <- web.Event{Type: "transfer", Data: client.Transfer{Id: "t1", State: "ready"}}
	for e, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		var transfer client.Transfer
		if err := json.Unmarshal(e.Data, &transfer); err != nil {
			t.Fatal(err)
		}
		if e.Event != "transfer" || transfer.Id != "t1" {
			t.Errorf("got event %s: %s", e.Event, e.Data)
		}
		break // the reader goes away; the subscription must end
	}
	<-h.ended
}

// An event stream never ends by itself; Shutdown must not wait for it.
func TestShutdownEndsEvents(t *testing.T) {
	h := newHarness(t)
	listener := httptest.NewUnstartedServer(nil)
	listener.Config = h.server.HTTPServer(h.server.SocketHandler())
	listener.Start()
	defer listener.Close()
	resp, err := http.Get(listener.URL + "/samara/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := listener.Config.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Errorf("the stream broke instead of ending: %v", err)
	}
	<-h.ended
}

func TestOperations(t *testing.T) {
	h := newHarness(t)
	h.checks = []client.Check{{Name: "store", Status: "ok"}, {Name: "swarm", Status: "warn", Detail: "/path", Hint: "do"}}
	if resp, body := h.do("GET", "/healthz", "", as(web.RolePublic)); resp.StatusCode != 200 || body != "ok\n" {
		t.Errorf("healthz: got %d: %s", resp.StatusCode, body)
	}
	resp, body := h.do("GET", "/readyz", "", as(web.RolePublic))
	if resp.StatusCode != 200 || !strings.Contains(body, `"ready":true`) || strings.Contains(body, "/path") {
		t.Errorf("readyz for a stranger: got %d: %s", resp.StatusCode, body)
	}
	if _, body := h.do("GET", "/readyz", "", as(web.RoleRead)); !strings.Contains(body, "/path") {
		t.Errorf("readyz for a reader: %s", body)
	}
	h.checks = append(h.checks, client.Check{Name: "engine", Status: "fail"})
	if resp, body := h.do("GET", "/readyz", ""); resp.StatusCode != 503 || !strings.Contains(body, `"ready":false`) {
		t.Errorf("readyz when not: got %d: %s", resp.StatusCode, body)
	}

	if resp, body := h.do("GET", "/", "", as(web.RolePublic)); resp.StatusCode != 200 || body != "page /" {
		t.Errorf("page: got %d: %s", resp.StatusCode, body)
	}
	if _, body := h.do("GET", "/assets/app.js", "", as(web.RolePublic)); body != "page /assets/app.js" {
		t.Errorf("page: got %s", body)
	}
}

// Metrics count by route template; nothing that a client sends becomes a label.
func TestMetrics(t *testing.T) {
	h := newHarness(t)
	for i := range 3 {
		h.do("GET", fmt.Sprintf("/samara/v1/transfers/t%d", i), "")
	}
	h.do("GET", "/nowhere/at/all", "")
	h.do("BREW", "/v1/models", "")
	h.do("GET", "/samara/v1/info", "", as(web.RolePublic))
	h.do("POST", "/v1/completions", `{"model":"ns/m","prompt":"x"}`)
	_, body := h.do("GET", "/metrics", "", as(web.RoleMetrics))
	for _, want := range []string{
		`samara_http_requests_total{method="GET",route="/samara/v1/transfers/:id",status="200"} 3`,
		`samara_http_requests_total{method="GET",route="/samara/v1/info",status="401"} 1`,
		`samara_http_requests_total{method="other",route="unmatched",status="404"} 1`,
		`samara_http_requests_total{method="other",route="unmatched",status="405"} 1`,
		`samara_http_request_duration_seconds_count{method="GET",route="/samara/v1/transfers/:id"} 3`,
		`samara_completion_tokens_total 3`,
		`samara_prompt_tokens_total 2`,
		`samara_generations_total{outcome="stop"} 1`,
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("metrics lack %s", want)
		}
	}
	for _, never := range []string{"nowhere", "BREW", "t1"} {
		if strings.Contains(body, never) {
			t.Errorf("metrics hold %q", never)
		}
	}
	if t.Failed() {
		t.Log(body)
	}
}

// The document that clients get is the spec, roles included.
func TestOpenAPI(t *testing.T) {
	h := newHarness(t)
	_, body := h.do("GET", "/openapi.json", "", as(web.RolePublic))
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.0.3" || len(doc.Paths) < 20 {
		t.Errorf("got version %s with %d paths", doc.OpenAPI, len(doc.Paths))
	}
	for path, item := range doc.Paths {
		for method, raw := range item {
			var op struct {
				Role string `json:"x-role"`
			}
			if method != "parameters" && (json.Unmarshal(raw, &op) != nil || op.Role == "") {
				t.Errorf("%s %s has no role", method, path)
			}
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := web.New(web.Config{}); err == nil {
		t.Error("a server was made of nothing")
	}
}
