package daemon

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"samara/loader"
	"samara/registry"
	"samara/verify"
	"samara/web"
	"samara/web/client"
)

// An engine keeps models in memory: each is loaded at its first request, from
// the blobs as they lie there, and unloaded when it has been idle for long
// enough or another needs the room. It implements web.Generator.
type engine struct {
	store     *registry.Store
	hub       *hub
	log       *slog.Logger
	options   loader.Options
	budget    int64         // bytes that all models may need together
	keepAlive time.Duration // below 0: for ever

	slots chan struct{} // held while generating
	queue chan struct{} // held while generating or waiting

	mu     sync.Mutex
	models map[verify.Digest]*resident
	ended  bool
	wg     sync.WaitGroup // loads and unloads
}

func newEngine(cfg Config, store *registry.Store, h *hub, log *slog.Logger) *engine {
	budget := cfg.Memory
	if budget == 0 {
		budget = defaultBudget()
	}
	return &engine{
		store: store, hub: h, log: log,
		options:   loader.Options{Context: cfg.Context, Threads: cfg.Threads},
		budget:    budget,
		keepAlive: cfg.KeepAlive,
		slots:     make(chan struct{}, cfg.Concurrency),
		queue:     make(chan struct{}, cfg.Concurrency+cfg.Queue),
		models:    map[verify.Digest]*resident{},
	}
}

// Models returns the tags whose versions can be asked, sorted by reference.
func (e *engine) Models(ctx context.Context) ([]registry.Entry, error) {
	var models []registry.Entry
	for after := ""; ; {
		page, next, err := e.store.List(ctx, registry.ListOptions{After: after, Limit: registry.MaxLimit})
		if err != nil {
			return nil, err
		}
		for _, entry := range page {
			if entry.Version.Facts.Architecture != "" && stateOf(e.store.Blobs(), entry.Version) == versionReady {
				models = append(models, entry)
			}
		}
		if next == "" {
			return models, nil
		}
		after = next
	}
}

// Generate answers one request with the model of that name, loading it first
// where it has to. At most Config.Concurrency requests are answered at a time
// and Config.Queue wait; more fail with code rate_limited.
func (e *engine) Generate(ctx context.Context, model string, r loader.Request, emit func(loader.Chunk) error) (loader.Result, error) {
	entry, err := e.find(ctx, model)
	if err != nil {
		return loader.Result{}, err
	}
	select {
	case e.queue <- struct{}{}:
		defer func() { <-e.queue }()
	default:
		return loader.Result{}, errorf(client.CodeRateLimited, "try again in a while", "generate: %d requests wait already", cap(e.queue)-cap(e.slots))
	}
	m, release, err := e.acquire(ctx, entry)
	if err != nil {
		return loader.Result{}, err
	}
	defer release()
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-ctx.Done():
		return loader.Result{}, ctx.Err()
	}
	return m.Generate(ctx, r, emit)
}

// find resolves what a client calls a model.
func (e *engine) find(ctx context.Context, model string) (registry.Entry, error) {
	ref, err := registry.ParseReference(model)
	if err != nil {
		return registry.Entry{}, errorf(client.CodeNotFound, `"samara ls" lists what there is`, "find model %.80q: not found: %w", model, err)
	}
	return e.store.Lookup(ctx, ref)
}

// acquire returns the loaded model of an entry; it stays until release.
func (e *engine) acquire(ctx context.Context, entry registry.Entry) (loader.Model, func(), error) {
	e.mu.Lock()
	if e.ended {
		e.mu.Unlock()
		return nil, nil, errorf(client.CodeUnavailable, "", "load %s: the daemon is stopping", entry.Reference)
	}
	r := e.models[entry.Version.Digest]
	if r == nil {
		r = &resident{entry: entry, loaded: make(chan struct{}), idle: make(chan struct{})}
		e.models[entry.Version.Digest] = r
		e.wg.Add(1)
		go func() {
			defer e.wg.Done()
			e.load(r)
		}()
	}
	r.users++
	e.mu.Unlock()

	release := func() { e.release(r) }
	select {
	case <-r.loaded:
	case <-ctx.Done():
		release()
		return nil, nil, ctx.Err()
	}
	if r.err != nil {
		release()
		return nil, nil, r.err
	}
	return r.model, release, nil
}

func (e *engine) release(r *resident) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r.users--
	r.lastUsed = time.Now()
	if r.leaving && r.users == 0 {
		close(r.idle)
	}
}

// run unloads what has been idle for long enough until ctx ends.
func (e *engine) run(ctx context.Context) {
	if e.keepAlive < 0 {
		return
	}
	tick := time.NewTicker(min(max(e.keepAlive/4, 10*time.Millisecond), 30*time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			e.unloadIdle(now)
		}
	}
}

func (e *engine) unloadIdle(now time.Time) {
	e.mu.Lock()
	var idle []*resident
	for _, r := range e.models {
		if r.users == 0 && isClosed(r.loaded) && now.Sub(r.lastUsed) >= e.keepAlive {
			idle = append(idle, r)
			e.remove(r)
		}
	}
	e.mu.Unlock()
	for _, r := range idle {
		if err := e.unload(r); err != nil {
			e.log.Warn("cannot unload a model", "model", r.entry.Reference.String(), "error", err)
		}
	}
}

// close unloads everything once it is not used any more. Requests that come
// later fail.
func (e *engine) close() error {
	e.mu.Lock()
	e.ended = true
	var all []*resident
	for _, r := range e.models {
		all = append(all, r)
		e.remove(r)
	}
	e.mu.Unlock()
	var errs []error
	for _, r := range all {
		errs = append(errs, e.unload(r))
	}
	e.wg.Wait()
	return errors.Join(errs...)
}

// Loaded returns the models in memory, sorted by name.
func (e *engine) Loaded(context.Context) ([]web.EngineModel, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	models := make([]web.EngineModel, 0, len(e.models))
	for _, r := range e.models {
		state := modelLoading
		if isClosed(r.loaded) {
			state = modelReady
		}
		models = append(models, e.describe(r, state))
	}
	slices.SortFunc(models, func(a, b web.EngineModel) int {
		if a.Reference < b.Reference {
			return -1
		}
		return 1
	})
	return models, nil
}

// Unload takes a model out of memory once its requests are answered.
func (e *engine) Unload(ctx context.Context, ref registry.Reference) error {
	entry, err := e.store.Lookup(ctx, ref)
	if err != nil {
		return err
	}
	e.mu.Lock()
	r := e.models[entry.Version.Digest]
	if r == nil {
		e.mu.Unlock()
		return errorf(client.CodeNotFound, `"samara ps" lists the loaded models`, "unload %s: not loaded", entry.Reference)
	}
	e.remove(r)
	e.mu.Unlock()
	return e.unload(r)
}

// totals returns how many models are in memory and what they need, in bytes.
func (e *engine) totals() (models int, memory int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.models {
		memory += r.need
	}
	return len(e.models), memory
}

// defaultBudget is three quarters of what this process may use.
func defaultBudget() int64 {
	if n := machineMemory(); n > 0 {
		return n / 4 * 3
	}
	return math.MaxInt64
}
