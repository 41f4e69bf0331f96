package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/dustin/go-humanize"

	"samara/loader"
	"samara/registry"
	"samara/web"
	"samara/web/client"
)

// States of a model in the engine.
const (
	modelLoading   = "loading"
	modelReady     = "ready"
	modelUnloading = "unloading"
	modelUnloaded  = "unloaded"
	modelFailed    = "failed"
)

// A resident is a model in memory, or on its way there or back.
type resident struct {
	entry  registry.Entry // the name under which it was first asked for
	need   int64          // bytes
	loaded chan struct{}  // closed once model or err is set
	model  loader.Model
	err    error

	// Guarded by engine.mu.
	users    int
	leaving  bool          // out of the table; idle is closed when the last user leaves
	idle     chan struct{} // closed once leaving and without users
	since    time.Time
	lastUsed time.Time
}

// load brings a model into memory. It belongs to no request: others may wait
// for it when the first goes away.
func (e *engine) load(r *resident) {
	defer close(r.loaded)
	e.tell(r, modelLoading)
	began := time.Now()
	if r.err = e.open(r); r.err != nil {
		e.mu.Lock()
		e.remove(r)
		e.mu.Unlock()
		e.log.Warn("cannot load a model", "model", r.entry.Reference.String(), "error", r.err)
		e.tell(r, modelFailed)
		return
	}
	e.mu.Lock()
	r.since, r.lastUsed = time.Now(), time.Now()
	e.mu.Unlock()
	e.log.Info("model loaded", "model", r.entry.Reference.String(), "seconds", time.Since(began).Seconds())
	e.tell(r, modelReady)
}

// open maps a model once there is room for it.
func (e *engine) open(r *resident) error {
	v := r.entry.Version
	if len(v.Missing) > 0 {
		return errorf(client.CodeUnsupportedModel, "fetch it whole, without --only", "load %s: %d of its files are not here", r.entry.Reference, len(v.Missing))
	}
	if !holdsWeights(v) {
		return errorf(client.CodeUnsupportedModel, "", "load %s: it holds no .gguf or .safetensors file", r.entry.Reference)
	}
	src, err := openSource(e.store.Blobs(), "load", r.entry)
	if err != nil {
		return err
	}
	info, err := loader.Inspect(src)
	if err == nil {
		err = e.makeRoom(r, memoryOf(info, e.options.Context))
	}
	if err != nil {
		return errors.Join(err, src.Close())
	}
	// Loading goes on when the request that asked for it is gone.
	r.model, err = loader.Open(context.Background(), src, e.options)
	return err
}

// makeRoom unloads idle models, the longest unused first, until one that needs
// so many bytes fits.
func (e *engine) makeRoom(r *resident, need int64) error {
	for {
		e.mu.Lock()
		var used int64
		var oldest *resident
		for _, other := range e.models {
			used += other.need
			if other != r && other.users == 0 && isClosed(other.loaded) && (oldest == nil || other.lastUsed.Before(oldest.lastUsed)) {
				oldest = other
			}
		}
		if used+need <= e.budget {
			r.need = need
			e.mu.Unlock()
			return nil
		}
		if oldest == nil {
			e.mu.Unlock()
			return errorf(client.CodeUnavailable, "lower --context, raise --memory, or ask again once other models are idle",
				"load %s: weights and cache need %s, %s of %s are free", r.entry.Reference,
				humanize.IBytes(uint64(need)), humanize.IBytes(uint64(max(0, e.budget-used))), humanize.IBytes(uint64(e.budget)))
		}
		e.remove(oldest)
		e.mu.Unlock()
		if err := e.unload(oldest); err != nil {
			return err
		}
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// remove takes a model out of the table, so that nobody new uses it. The caller
// holds mu.
func (e *engine) remove(r *resident) {
	if r.leaving {
		return
	}
	r.leaving = true
	delete(e.models, r.entry.Version.Digest)
	if r.users == 0 {
		close(r.idle)
	}
}

// unload waits until nobody uses a removed model and frees its memory.
func (e *engine) unload(r *resident) error {
	e.tell(r, modelUnloading)
	<-r.idle
	<-r.loaded
	if r.model == nil {
		return nil
	}
	err := r.model.Close()
	e.log.Info("model unloaded", "model", r.entry.Reference.String())
	e.tell(r, modelUnloaded)
	return err
}

// describe is the API's form of a model. The caller holds mu.
func (e *engine) describe(r *resident, state string) web.EngineModel {
	m := web.EngineModel{
		Reference: r.entry.Reference.String(),
		Version:   r.entry.Version.Digest.String(),
		State:     state,
		Active:    r.users,
		Memory:    r.need,
		Loaded:    r.since,
		LastUsed:  r.lastUsed,

		Architecture:  r.entry.Version.Facts.Architecture,
		Quantization:  r.entry.Version.Facts.Quantization,
		ContextLength: r.entry.Version.Facts.ContextLength,
	}
	if state == modelFailed {
		m.Error = client.FromError("load", r.err)
	}
	return m
}

func (e *engine) tell(r *resident, state string) {
	e.mu.Lock()
	m := e.describe(r, state)
	e.mu.Unlock()
	e.hub.publish(eventEngine, m)
}
