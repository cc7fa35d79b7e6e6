package server

import (
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// exposition answers with what the collectors tell, and with what Go's runtime
// and the process use.
func exposition(log *slog.Logger, of ...prometheus.Collector) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(of...)
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	told := promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:            gatherLog{log},
		MaxRequestsInFlight: 4, // one scrape is enough; who asks more often waits for nothing
	})
	return &scrapes{told: told}
}

// acceptErrors counts failed attempts to accept a connection.
func acceptErrors(n *atomic.Uint64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "sockeye_accept_errors_total", Help: "Attempts to accept a connection that failed, for want of file descriptors say.",
	}, func() float64 { return float64(n.Load()) })
}
