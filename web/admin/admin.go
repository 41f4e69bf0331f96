package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"samara/registry"
	"samara/web/client"
)

// Config holds what the handlers call.
type Config struct {
	Catalog   Catalog
	Transfers Transfers
	Engine    Engine
	Events    Events
	System    System

	// LoginLink makes an address that logs one browser in.
	LoginLink func() (client.LoginLink, error)
	// Actor names who sent a request, for the journal.
	Actor func(echo.Context) string
	// Report gives an error its row of the table; streams use it for what they
	// can no longer answer with a status.
	Report func(echo.Context, error) *client.Error
	// Draining is closed when event streams must end.
	Draining <-chan struct{}
}

// New returns the handlers; RegisterHandlers takes them. Requests reach them
// already checked against openapi.yaml.
func New(cfg Config) ServerInterface { return &handlers{cfg} }

type handlers struct{ Config }

// ListTransfers serves GET /samara/v1/transfers.
func (h *handlers) ListTransfers(c echo.Context) error {
	list, err := h.Transfers.List(c.Request().Context())
	return answer(c, client.TransferList{Transfers: notNil(list)}, err)
}

// AddTransfer serves POST /samara/v1/transfers.
func (h *handlers) AddTransfer(c echo.Context) error {
	r, err := decode[client.AddRequest](c)
	if err != nil {
		return err
	}
	if (r.Link == "") == (len(r.Torrent) == 0) {
		return client.NewError("add", client.CodeInvalidRequest, "add: want either a link or the bytes of a .torrent").
			WithHint("a magnet link starts with magnet:?xt=")
	}
	t, err := h.Transfers.Add(c.Request().Context(), r, h.Actor(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, t)
}

// GetTransfer serves GET /samara/v1/transfers/{id}.
func (h *handlers) GetTransfer(c echo.Context, id client.TransferID) error {
	t, err := h.Transfers.Get(c.Request().Context(), id)
	return answer(c, t, err)
}

// CancelTransfer serves DELETE /samara/v1/transfers/{id}.
func (h *handlers) CancelTransfer(c echo.Context, id client.TransferID) error {
	return answerNothing(c, h.Transfers.Cancel(c.Request().Context(), id))
}

// PauseTransfer serves POST /samara/v1/transfers/{id}/pause.
func (h *handlers) PauseTransfer(c echo.Context, id client.TransferID) error {
	t, err := h.Transfers.Pause(c.Request().Context(), id)
	return answer(c, t, err)
}

// ResumeTransfer serves POST /samara/v1/transfers/{id}/resume.
func (h *handlers) ResumeTransfer(c echo.Context, id client.TransferID) error {
	t, err := h.Transfers.Resume(c.Request().Context(), id)
	return answer(c, t, err)
}

// AddPeers serves POST /samara/v1/transfers/{id}/peers.
func (h *handlers) AddPeers(c echo.Context, id client.TransferID) error {
	r, err := decode[client.PeersRequest](c)
	if err != nil {
		return err
	}
	t, err := h.Transfers.AddPeers(c.Request().Context(), id, r.Peers)
	return answer(c, t, err)
}

// Peek serves POST /samara/v1/peek.
func (h *handlers) Peek(c echo.Context) error {
	r, err := decode[client.PeekRequest](c)
	if err != nil {
		return err
	}
	if (r.Link == "") == (len(r.Torrent) == 0) {
		return client.NewError("peek", client.CodeInvalidRequest, "peek: want either a link or the bytes of a .torrent").
			WithHint("a magnet link starts with magnet:?xt=")
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), peekTimeout)
	defer cancel()
	p, err := h.Transfers.Peek(ctx, r)
	if errors.Is(err, context.DeadlineExceeded) {
		return client.Errorf("peek", client.CodeTimeout, "peek: nobody had the metadata within %v: %w", peekTimeout, err).
			WithHint("name somebody who has it with --peer, or look further with --dht")
	}
	return answer(c, p, err)
}

// peekTimeout is how long a peek waits for somebody who has the metadata.
const peekTimeout = 2 * time.Minute

// ListVersions serves GET /samara/v1/versions.
func (h *handlers) ListVersions(c echo.Context, p client.ListVersionsParams) error {
	list, err := h.Catalog.List(c.Request().Context(), registry.ListOptions{After: p.After, Limit: p.Limit, Prefix: p.Prefix})
	list.Versions = notNil(list.Versions)
	return answer(c, list, err)
}

// GetVersion serves GET /samara/v1/version?ref=.
func (h *handlers) GetVersion(c echo.Context, p client.GetVersionParams) error {
	ref, err := registry.ParseReference(p.Ref)
	if err != nil {
		return err
	}
	v, err := h.Catalog.Show(c.Request().Context(), ref)
	v.Files = notNil(v.Files)
	return answer(c, v, err)
}

// RemoveVersion serves DELETE /samara/v1/version?ref=.
func (h *handlers) RemoveVersion(c echo.Context, p client.RemoveVersionParams) error {
	ref, err := registry.ParseReference(p.Ref)
	if err != nil {
		return err
	}
	return answerNothing(c, h.Catalog.Remove(c.Request().Context(), ref, h.Actor(c)))
}

// GetTorrent serves GET /samara/v1/version/torrent?ref=.
func (h *handlers) GetTorrent(c echo.Context, p client.GetTorrentParams) error {
	ref, err := registry.ParseReference(p.Ref)
	if err != nil {
		return err
	}
	name, torrent, err := h.Catalog.Torrent(c.Request().Context(), ref)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition,
		mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	return c.Blob(http.StatusOK, "application/x-bittorrent", torrent)
}

// GetSource serves GET /samara/v1/version/source?ref=.
func (h *handlers) GetSource(c echo.Context, p client.GetSourceParams) error {
	ref, err := registry.ParseReference(p.Ref)
	if err != nil {
		return err
	}
	source, err := h.Catalog.Source(c.Request().Context(), ref)
	source.Files = notNil(source.Files)
	return answer(c, source, err)
}

// TagVersion serves POST /samara/v1/tags.
func (h *handlers) TagVersion(c echo.Context) error {
	r, err := decode[client.TagRequest](c)
	if err != nil {
		return err
	}
	target, err := registry.ParseReference(r.Target)
	if err != nil {
		return err
	}
	name, err := registry.ParseReference(r.Name)
	if err != nil {
		return err
	}
	v, err := h.Catalog.Tag(c.Request().Context(), target, name, r.Move, h.Actor(c))
	return answer(c, v, err)
}

// CollectGarbage serves POST /samara/v1/gc.
func (h *handlers) CollectGarbage(c echo.Context) error {
	r, err := decode[client.GCRequest](c)
	if err != nil {
		return err
	}
	result, err := h.Catalog.GC(c.Request().Context(), r, h.Actor(c))
	return answer(c, result, err)
}

// GetLog serves GET /samara/v1/log.
func (h *handlers) GetLog(c echo.Context, p client.GetLogParams) error {
	var ref registry.Reference
	if p.Ref != "" {
		var err error
		if ref, err = registry.ParseReference(p.Ref); err != nil {
			return err
		}
	}
	limit := p.Limit
	if limit == 0 {
		limit = registry.DefaultLimit
	}
	log, err := h.Catalog.Log(c.Request().Context(), ref, limit)
	log.Entries = notNil(log.Entries)
	return answer(c, log, err)
}

// Doctor serves GET /samara/v1/doctor.
func (h *handlers) Doctor(c echo.Context) error {
	report, err := h.System.Doctor(c.Request().Context())
	report.Checks = notNil(report.Checks)
	return answer(c, report, err)
}

// GetInfo serves GET /samara/v1/info.
func (h *handlers) GetInfo(c echo.Context) error {
	return answer(c, h.System.Info(c.Request().Context()), nil)
}

// ListEngine serves GET /samara/v1/engine.
func (h *handlers) ListEngine(c echo.Context) error {
	models, err := h.Engine.Loaded(c.Request().Context())
	return answer(c, client.EngineList{Models: notNil(models)}, err)
}

// UnloadModel serves DELETE /samara/v1/engine?ref=.
func (h *handlers) UnloadModel(c echo.Context, p client.UnloadModelParams) error {
	ref, err := registry.ParseReference(p.Ref)
	if err != nil {
		return err
	}
	return answerNothing(c, h.Engine.Unload(c.Request().Context(), ref))
}

// CreateLoginLink serves POST /samara/v1/login-link.
func (h *handlers) CreateLoginLink(c echo.Context) error {
	link, err := h.LoginLink()
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, link)
}

// decode reads a body that was checked against the spec.
func decode[T any](c echo.Context) (T, error) {
	var v T
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return v, fmt.Errorf("read body: %w", err)
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return v, client.Errorf("", client.CodeInvalidRequest, "read body: %w", err)
	}
	return v, nil
}

func answer(c echo.Context, v any, err error) error {
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, v)
}

func answerNothing(c echo.Context, err error) error {
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// notNil makes an empty list [] in JSON, never null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
