package admin

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"samara/registry"
	"samara/web/client"
	"samara/web/internal/stream"
)

const (
	// progressEvery is the least time between two lines of progress.
	progressEvery = 100 * time.Millisecond
	// keepAliveEvery is how often an event stream with nothing to say says so.
	keepAliveEvery = 15 * time.Second
)

// Publish serves POST /samara/v1/publish.
func (h *handlers) Publish(c echo.Context) error {
	r, err := decode[client.PublishRequest](c)
	if err != nil {
		return err
	}
	p := h.newProgress(c)
	defer p.cancel()
	var stage string
	result, err := h.Catalog.Publish(p.ctx, r, h.Actor(c), func(e client.PublishEvent) {
		p.line(e, e.Stage != stage)
		stage = e.Stage
	})
	if err != nil {
		return p.fail(err, func(e *client.Error) any { return client.PublishEvent{Error: e} })
	}
	return p.writer.Line(client.PublishEvent{Result: &result})
}

// VerifyVersion serves POST /samara/v1/verify.
func (h *handlers) VerifyVersion(c echo.Context) error {
	r, err := decode[client.VerifyRequest](c)
	if err != nil {
		return err
	}
	ref, err := registry.ParseReference(r.Ref)
	if err != nil {
		return err
	}
	p := h.newProgress(c)
	defer p.cancel()
	report, err := h.Catalog.Verify(p.ctx, ref, func(done, total int64) {
		p.line(client.VerifyEvent{BytesDone: done, BytesTotal: total}, false)
	})
	if err != nil {
		return p.fail(err, func(e *client.Error) any { return client.VerifyEvent{Error: e} })
	}
	report.Bad = notNil(report.Bad)
	return p.writer.Line(client.VerifyEvent{Result: &report})
}

// A progress is an NDJSON answer that grows while something long is done. Its
// context ends when the client goes away or takes nothing.
type progress struct {
	c      echo.Context
	report func(echo.Context, error) *client.Error
	writer *stream.Writer
	ctx    context.Context
	cancel context.CancelFunc
	last   time.Time
}

func (h *handlers) newProgress(c echo.Context) *progress {
	ctx, cancel := context.WithCancel(c.Request().Context())
	return &progress{c: c, report: h.Report, writer: stream.NDJSON(c), ctx: ctx, cancel: cancel}
}

// line writes v unless a line went out just now and v can be missed.
func (p *progress) line(v any, must bool) {
	if !must && time.Since(p.last) < progressEvery {
		return
	}
	p.last = time.Now()
	if err := p.writer.Line(v); err != nil {
		p.cancel()
	}
}

// fail answers with a status while that is possible, else with a last line.
func (p *progress) fail(err error, line func(*client.Error) any) error {
	if !p.writer.Started() {
		return err
	}
	return p.writer.Line(line(p.report(p.c, err)))
}

// StreamEvents serves GET /samara/v1/events.
func (h *handlers) StreamEvents(c echo.Context) error {
	ctx, cancel := context.WithCancel(c.Request().Context())
	defer cancel()
	events := h.Events.Subscribe(ctx)
	w := stream.Events(c)
	if err := w.Open(); err != nil {
		return err
	}
	keepAlive := time.NewTicker(keepAliveEvery)
	defer keepAlive.Stop()
	for {
		var err error
		select {
		case e, open := <-events:
			if !open {
				return nil
			}
			err = w.Event(e.Type, e.Data)
		case <-keepAlive.C:
			err = w.Comment("still here")
		case <-h.Draining:
			return nil
		case <-ctx.Done():
			return nil
		}
		if err != nil {
			return err
		}
	}
}
