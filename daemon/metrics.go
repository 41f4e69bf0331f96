package daemon

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"samara/registry"
	"samara/registry/disk"
)

// gauges tells how the daemon stands when it is asked.
type gauges struct {
	d *Daemon

	transfers, seeding, uploaded, models, memory, free *prometheus.Desc
}

// registerMetrics puts the daemon's own metrics into a registry.
func (d *Daemon) registerMetrics(r *prometheus.Registry) error {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("samara_"+name, help, labels, nil)
	}
	return errors.Join(
		r.Register(collectors.NewGoCollector()),
		r.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})),
		r.Register(&gauges{
			d:         d,
			transfers: desc("transfers", "Transfers by state.", "state"),
			seeding:   desc("seeding_torrents", "Torrents offered to the swarm."),
			uploaded:  desc("seeding_uploaded_bytes", "Bytes sent to peers of the torrents offered now."),
			models:    desc("engine_models", "Models in memory."),
			memory:    desc("engine_memory_bytes", "Bytes that the models in memory need."),
			free:      desc("disk_free_bytes", "Free bytes on the data folder's file system."),
		}),
	)
}

// Describe is part of prometheus.Collector.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.transfers, g.seeding, g.uploaded, g.models, g.memory, g.free} {
		ch <- d
	}
}

// Collect is part of prometheus.Collector.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counts := map[string]int{
		registry.StateResolving: 0, registry.StateFetching: 0, registry.StateVerifying: 0,
		registry.StateReady: 0, registry.StatePaused: 0, registry.StateFailed: 0,
	}
	if all, err := g.d.store.Transfers(context.Background()); err == nil {
		for _, rec := range all {
			counts[g.d.fetch.current(rec).State]++
		}
	}
	for state, n := range counts {
		gauge(g.transfers, float64(n), state)
	}
	torrents, uploaded := g.d.seeds.totals()
	gauge(g.seeding, float64(torrents))
	gauge(g.uploaded, float64(uploaded))
	models, memory := g.d.engine.totals()
	gauge(g.models, float64(models))
	gauge(g.memory, float64(memory))
	if space, err := disk.SpaceOf(g.d.cfg.Data); err == nil {
		gauge(g.free, float64(space.Free))
	}
}
