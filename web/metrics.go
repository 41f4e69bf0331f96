package web

import (
	"errors"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts requests by the template of their route, never by what a
// client sent.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "samara_http_requests_total", Help: "Requests answered.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "samara_http_request_duration_seconds", Help: "Time until the whole answer was sent.",
			Buckets: []float64{.001, .005, .025, .1, .25, 1, 2.5, 10, 30, 120, 600},
		}, []string{"method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "samara_http_requests_in_flight", Help: "Requests being answered.",
		}),
	}
	return m, errors.Join(r.Register(m.requests), r.Register(m.seconds), r.Register(m.inFlight))
}

// observe is the outermost middleware: it sees the status that went out.
func (m *metrics) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		m.inFlight.Inc()
		defer m.inFlight.Dec()
		start := time.Now()
		if err := next(c); err != nil {
			c.Error(err) // writes the answer now, so that its status can be counted
		}
		method, route := labels(c)
		m.requests.WithLabelValues(method, route, strconv.Itoa(c.Response().Status)).Inc()
		m.seconds.WithLabelValues(method, route).Observe(time.Since(start).Seconds())
		return nil
	}
}

// labels returns values out of a fixed set: a request that matched no route
// could otherwise invent methods and paths.
func labels(c echo.Context) (method, route string) {
	if route = c.Path(); route == "" || c.Get(routeKey) == nil {
		return "other", "unmatched"
	}
	return c.Request().Method, route
}
