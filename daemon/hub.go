package daemon

import (
	"context"
	"sync"

	"samara/web"
)

// subscriberBuffer is how many events a slow subscriber may lag behind before
// it misses some.
const subscriberBuffer = 64

// Types of events.
const (
	eventTransfer = "transfer"
	eventVersion  = "version"
	eventEngine   = "engine"
)

// A hub hands events to whoever listens at the moment. It implements
// web.Events.
type hub struct {
	mu   sync.Mutex
	subs map[chan web.Event]struct{}
}

func newHub() *hub { return &hub{subs: map[chan web.Event]struct{}{}} }

// Subscribe returns a channel of events that is closed once ctx ends. A
// subscriber that does not keep up misses events; nobody waits for it.
func (h *hub) Subscribe(ctx context.Context) <-chan web.Event {
	ch := make(chan web.Event, subscriberBuffer)
	h.mu.Lock()
	h.subs[ch] = struct{}{}
	h.mu.Unlock()
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subs, ch)
		close(ch)
	})
	return ch
}

// publish hands an event to every subscriber that has room for it.
func (h *hub) publish(kind string, data any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.subs {
		select {
		case ch <- web.Event{Type: kind, Data: data}:
		default:
		}
	}
}
