package metrics

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/internal/option"
	"github.com/sockeye-io/sockeye/socketio"
)

// Options bound what is told. Zero is the default, a negative number no bound.
type Options struct {
	// MaxEvents is how many events have a histogram of their own, those first that
	// were handled first; 100. All others, and those for which nobody has called
	// On, are "other".
	MaxEvents int
	// MaxNamespaces is how many namespaces have a value of their own, those that
	// have most sockets; 100. All others are "other".
	MaxNamespaces int
}

// Metrics are those of one server. It is a [prometheus.Collector].
type Metrics struct {
	opts Options
	io   *socketio.Server
	stop func()

	handled   *prometheus.HistogramVec
	receivers prometheus.Histogram

	rest   prometheus.Observer // of all other events
	mu     sync.RWMutex
	events map[string]prometheus.Observer // by name, for those that have one of their own
}

var _ prometheus.Collector = (*Metrics)(nil)

// New watches io, which was just made, until Close. Nil options are the
// defaults. One Metrics, or several of several servers with labels of their own
// (prometheus.WrapRegistererWith), can be registered.
func New(io *socketio.Server, opts *Options) *Metrics {
	m := &Metrics{
		io: io,
		handled: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sockeye_handler_seconds", Help: "Time that the handlers of an event took, by event.",
			Buckets: []float64{.0001, .001, .01, .1, 1, 10},
		}, []string{"event"}),
		receivers: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sockeye_broadcast_receivers", Help: "Sockets of this node that a broadcast reached.",
			Buckets: []float64{0, 1, 10, 100, 1000, 10_000, 100_000},
		}),
		events: make(map[string]prometheus.Observer),
	}
	if opts != nil {
		m.opts = *opts
	}
	option.Bound(&m.opts.MaxEvents, 100)
	option.Bound(&m.opts.MaxNamespaces, 100)
	m.rest = m.handled.WithLabelValues(other)
	m.stop = io.Watch(&socketio.Trace{
		Broadcast: func(_ *socketio.Namespace, _ string, n int) { m.receivers.Observe(float64(n)) },
		Handled: func(s *socketio.Socket, r *socketio.Request, took time.Duration) {
			m.timer(s.Namespace(), r.Event()).Observe(took.Seconds())
		},
	})
	return m
}

// Close ends the watching: histograms stay as they are, counters are read as
// before. It need not be called when the server ends.
func (m *Metrics) Close() { m.stop() }

// timer is the histogram of an event. Names that nobody but OnAny knows are the
// client's: they must not use up what there is for others.
func (m *Metrics) timer(ns *socketio.Namespace, event string) prometheus.Observer {
	m.mu.RLock()
	o, ok := m.events[event]
	full := len(m.events) >= m.opts.MaxEvents
	m.mu.RUnlock()
	switch {
	case ok:
		return o
	case full || !ns.Handles(event):
		return m.rest
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if o, ok = m.events[event]; ok {
		return o
	}
	if len(m.events) >= m.opts.MaxEvents {
		return m.rest
	}
	event = strings.Clone(event)
	o = m.handled.WithLabelValues(clip.Text(event))
	m.events[event] = o
	return o
}

// Describe implements [prometheus.Collector].
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	ofServer.describe(ch)
	ch <- namespaceSockets
	m.handled.Describe(ch)
	m.receivers.Describe(ch)
}

// Collect implements [prometheus.Collector].
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	ofServer.collect(m.io.Stats(), ch)
	m.namespaces(ch)
	m.handled.Collect(ch)
	m.receivers.Collect(ch)
}
