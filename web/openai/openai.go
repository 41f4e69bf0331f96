// Package openai answers the OpenAI dialect, /v1: models, chat completions and
// completions, streamed and not.
//
// A field that is not honoured is refused by its name unless its value asks for
// nothing; none is ignored in silence (fields.go has the tables). Beside
// OpenAI's own fields, top_k, min_p, repetition_penalty, ignore_eos,
// chat_template_kwargs and return_token_ids are taken, as vLLM names them.
package openai

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"samara/registry"
	"samara/web/client"
)

// Config holds what a Dialect calls.
type Config struct {
	Generator Generator
	// Report gives an error its row of the table; streams use it for what they
	// can no longer answer with a status.
	Report func(echo.Context, error) *client.Error
	// Metrics takes the dialect's own metrics.
	Metrics prometheus.Registerer
}

// A Dialect holds the handlers of /v1.
type Dialect struct {
	generator Generator
	report    func(echo.Context, error) *client.Error
	metrics   *metrics
}

// New returns the handlers. It fails where a metric is registered already.
func New(cfg Config) (*Dialect, error) {
	m, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, err
	}
	return &Dialect{generator: cfg.Generator, report: cfg.Report, metrics: m}, nil
}

type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"` // Unix seconds
	OwnedBy string `json:"owned_by"`
}

type modelList struct {
	Object string  `json:"object"`
	Data   []model `json:"data"`
}

func modelOf(e registry.Entry) model {
	owner := e.Reference.Namespace
	if owner == "" {
		owner = "samara"
	}
	return model{ID: e.Reference.String(), Object: "model", Created: e.Version.Added.Unix(), OwnedBy: owner}
}

// ListModels serves GET /v1/models.
func (d *Dialect) ListModels(c echo.Context) error {
	entries, err := d.generator.Models(c.Request().Context())
	if err != nil {
		return err
	}
	list := modelList{Object: "list", Data: []model{}}
	for _, e := range entries {
		list.Data = append(list.Data, modelOf(e))
	}
	return c.JSON(http.StatusOK, list)
}

// GetModel serves GET /v1/models/{model}, whose slashes may be escaped or not.
func (d *Dialect) GetModel(c echo.Context) error {
	name := strings.TrimPrefix(c.Request().URL.EscapedPath(), "/v1/models/")
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	ref, err := registry.ParseReference(name)
	if err != nil {
		return unknownModel(name, err)
	}
	entries, err := d.generator.Models(c.Request().Context())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Reference.Key() == ref.Key() {
			return c.JSON(http.StatusOK, modelOf(e))
		}
	}
	return unknownModel(name, nil)
}
