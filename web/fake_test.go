package web_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"samara/loader"
	"samara/registry"
	"samara/web"
	"samara/web/client"
)

// adminKey is the token of the admin in every test.
const adminKey = "correct horse battery staple"

var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// roleTokens knows one token per role, named like it, and the admin's.
type roleTokens struct{}

func (roleTokens) Grant(_ context.Context, token string) (web.Grant, bool) {
	if token == adminKey {
		return web.Grant{Actor: "token admin", Role: web.RoleAdmin}, true
	}
	role, err := web.ParseRole(token)
	if err != nil {
		return web.Grant{}, false
	}
	return web.Grant{Actor: "token " + token, Role: role}, true
}

// fakes implements every port. A non-nil err fails every call; calls remembers
// what was asked.
type fakes struct {
	mu    sync.Mutex
	err   error
	calls []string

	generate func(ctx context.Context, model string, r loader.Request, emit func(loader.Chunk) error) (loader.Result, error)
	checks   []client.Check
	events   chan web.Event
	ended    chan struct{} // gets a value when a subscription's context ends, if there is room
	progress []client.PublishEvent
	bad      []client.BadRange
}

func (f *fakes) called(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, what)
	return f.err
}

func (f *fakes) lastCall() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.calls) == 0 {
		return ""
	}
	return f.calls[len(f.calls)-1]
}

// catalog

type fakeCatalog struct{ *fakes }

var fakeVersion = client.Version{Reference: "ns/m:main", Version: "blake3:00", Bytes: 7, Files: 1, Format: "gguf", Trust: "unsigned", State: "ready"}

func (f fakeCatalog) List(_ context.Context, o registry.ListOptions) (client.VersionList, error) {
	err := f.called("list " + o.After + " " + o.Prefix)
	return client.VersionList{Versions: []client.Version{fakeVersion}, Next: "ns/m:main"}, err
}

func (f fakeCatalog) Show(_ context.Context, ref registry.Reference) (client.VersionDetail, error) {
	return client.VersionDetail{Reference: ref.String(), Magnet: "magnet:?xt=x&dn=m"}, f.called("show " + ref.String())
}

func (f fakeCatalog) Tag(_ context.Context, target, name registry.Reference, move bool, actor string) (client.Version, error) {
	err := f.called("tag " + target.String() + " " + name.String() + " " + actor)
	v := fakeVersion
	v.Reference = name.String()
	return v, err
}

func (f fakeCatalog) Remove(_ context.Context, ref registry.Reference, actor string) error {
	return f.called("remove " + ref.String() + " " + actor)
}

func (f fakeCatalog) GC(_ context.Context, r client.GCRequest, actor string) (client.GCResult, error) {
	return client.GCResult{Blobs: 2, Bytes: 3, DryRun: r.DryRun}, f.called("gc " + actor)
}

func (f fakeCatalog) Log(_ context.Context, ref registry.Reference, _ int) (client.Log, error) {
	return client.Log{}, f.called("log " + ref.String())
}

func (f fakeCatalog) Verify(_ context.Context, ref registry.Reference, progress func(done, total int64)) (client.VerifyReport, error) {
	progress(1, 2)
	return client.VerifyReport{Reference: ref.String(), Ok: len(f.bad) == 0, Bad: f.bad}, f.called("verify " + ref.String())
}

func (f fakeCatalog) Torrent(_ context.Context, ref registry.Reference) (string, []byte, error) {
	return "m.torrent", []byte("d4:infod4:name1:mee"), f.called("torrent " + ref.String())
}

func (f fakeCatalog) Source(_ context.Context, ref registry.Reference) (client.Source, error) {
	return client.Source{Reference: ref.String()}, f.called("source " + ref.String())
}

func (f fakeCatalog) Publish(_ context.Context, r client.PublishRequest, actor string, progress func(client.PublishEvent)) (client.PublishResult, error) {
	for _, e := range f.progress {
		progress(e)
	}
	return client.PublishResult{Reference: r.Name, Files: 1}, f.called("publish " + r.Path + " " + actor)
}

// transfers

type fakeTransfers struct{ *fakes }

func (f fakeTransfers) Add(_ context.Context, r client.AddRequest, actor string) (client.Transfer, error) {
	return client.Transfer{Id: "t1", State: "resolving", Link: r.Link}, f.called("add " + r.Link + string(r.Torrent) + " " + actor)
}

func (f fakeTransfers) Peek(_ context.Context, r client.PeekRequest) (client.Peek, error) {
	return client.Peek{Infohash: "00", Files: []client.File{{Path: "a", Size: 1}}, Bytes: 1}, f.called("peek " + r.Link)
}

func (f fakeTransfers) List(context.Context) ([]client.Transfer, error) {
	return nil, f.called("transfers")
}

func (f fakeTransfers) Get(_ context.Context, id string) (client.Transfer, error) {
	return client.Transfer{Id: id, State: "fetching", Have: []byte{0x80}}, f.called("get " + id)
}

func (f fakeTransfers) Pause(_ context.Context, id string) (client.Transfer, error) {
	return client.Transfer{Id: id, State: "paused"}, f.called("pause " + id)
}

func (f fakeTransfers) Resume(_ context.Context, id string) (client.Transfer, error) {
	return client.Transfer{Id: id, State: "fetching"}, f.called("resume " + id)
}

func (f fakeTransfers) Cancel(_ context.Context, id string) error { return f.called("cancel " + id) }

func (f fakeTransfers) AddPeers(_ context.Context, id string, peers []string) (client.Transfer, error) {
	return client.Transfer{Id: id, Peers: len(peers)}, f.called("peers " + id)
}

// engine

type fakeGenerator struct{ *fakes }

func (f fakeGenerator) Models(context.Context) ([]registry.Entry, error) {
	return []registry.Entry{{
		Reference: registry.Reference{Namespace: "ns", Name: "m", Tag: "main"},
		Version:   registry.Version{Added: testTime},
	}}, f.called("models")
}

func (f fakeGenerator) Generate(ctx context.Context, model string, r loader.Request, emit func(loader.Chunk) error) (loader.Result, error) {
	if err := f.called("generate " + model); err != nil {
		return loader.Result{}, err
	}
	if f.generate != nil {
		return f.generate(ctx, model, r, emit)
	}
	return say(r, emit)
}

// say answers any request with "Hello world" in three chunks, of which the
// second ends inside a character and so has no text.
func say(_ loader.Request, emit func(loader.Chunk) error) (loader.Result, error) {
	for _, c := range []loader.Chunk{{Text: "Hello", IDs: []int32{7}}, {IDs: []int32{8}}, {Text: " world", IDs: []int32{9}}} {
		if err := emit(c); err != nil {
			return loader.Result{}, err
		}
	}
	return loader.Result{
		Text: "Hello world", IDs: []int32{7, 8, 9}, PromptIDs: []int32{1, 2}, FinishReason: loader.FinishStop,
		Usage: loader.Usage{PromptTokens: 2, CompletionTokens: 3},
	}, nil
}

func (f fakeGenerator) Loaded(context.Context) ([]client.EngineModel, error) {
	return []client.EngineModel{{Reference: "ns/m:main", State: "ready"}}, f.called("loaded")
}

func (f fakeGenerator) Unload(_ context.Context, ref registry.Reference) error {
	return f.called("unload " + ref.String())
}

// events and system

type fakeEvents struct{ *fakes }

func (f fakeEvents) Subscribe(ctx context.Context) <-chan web.Event {
	_ = f.called("subscribe")
	context.AfterFunc(ctx, func() {
		select {
		case f.ended <- struct{}{}:
		default:
		}
	})
	return f.events
}

type fakeSystem struct{ *fakes }

func (f fakeSystem) Info(context.Context) client.SystemInfo {
	_ = f.called("info")
	return client.SystemInfo{Version: "1.2.3", Started: testTime}
}

func (f fakeSystem) Ready(context.Context) []client.Check { return f.checks }

func (f fakeSystem) Doctor(context.Context) (client.DoctorReport, error) {
	return client.DoctorReport{Ok: true}, f.called("doctor")
}

// harness is a server over the fakes, on a real listener.
type harness struct {
	*fakes
	t      *testing.T
	server *web.Server
	url    string
	api    *client.Client
	log    *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newHarness(t *testing.T, change ...func(*web.Config)) *harness {
	t.Helper()
	f := &fakes{events: make(chan web.Event, 8), ended: make(chan struct{}, 1)}
	h := &harness{fakes: f, t: t, log: &syncBuffer{}}
	cfg := web.Config{
		Catalog: fakeCatalog{f}, Transfers: fakeTransfers{f}, Generator: fakeGenerator{f},
		Events: fakeEvents{f}, System: fakeSystem{f},
		Tokens:  roleTokens{},
		BaseURL: func() string { return h.url },
		UI: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "page "+r.URL.Path)
		}),
		Log:     slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Metrics: prometheus.NewRegistry(),
	}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	if h.server, err = web.New(cfg); err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewUnstartedServer(nil)
	listener.Config = h.server.HTTPServer(h.server.Handler())
	listener.Start()
	t.Cleanup(listener.Close)
	h.url = listener.URL
	if h.api, err = client.Remote(h.url, adminKey); err != nil {
		t.Fatal(err)
	}
	return h
}

// do sends a request as the admin, or as whoever change makes it.
func (h *harness) do(method, path, body string, change ...func(*http.Request)) (*http.Response, string) {
	h.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = bytes.NewReader([]byte(body))
	}
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, reader)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminKey)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(r)
	}
	noRedirects := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := noRedirects.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp, string(b)
}

// as sends the token of a role, or none for RolePublic.
func as(role web.Role) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Del("Authorization")
		if role != web.RolePublic {
			r.Header.Set("Authorization", "Bearer "+string(role))
		}
	}
}
