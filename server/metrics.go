package server

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/websocket"
)

// metrics answers with what read finds counted, and with what Go's runtime and
// the process use. Nothing is measured for it: the library keeps all of these
// numbers anyway, and they are read when somebody asks.
func metrics(read func() snapshot, log *slog.Logger) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		&collector{read},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	told := promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:            gatherLog{log},
		MaxRequestsInFlight: 4, // one scrape is enough; who asks more often waits for nothing
	})
	return &scrapes{told: told}
}

func (s *Server) snapshot() snapshot {
	return snapshot{s.io.Stats(), s.ws.Stats(), s.unaccepted.Load()}
}

// snapshot is the counters at one moment.
type snapshot struct {
	io         socketio.Stats
	plain      websocket.Stats
	unaccepted uint64
}

// collector tells Prometheus what is in a snapshot.
type collector struct{ read func() snapshot }

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for i := range families {
		ch <- families[i].desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	st := c.read()
	for i := range families {
		f := &families[i]
		f.values(&st, func(v float64, label ...string) {
			ch <- prometheus.MustNewConstMetric(f.desc, f.kind, v, label...)
		})
	}
}

// A family is one metric, with a value for each value of its label, if it has
// one.
type family struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	values func(st *snapshot, tell func(v float64, label ...string))
}

type number interface{ ~int | ~uint64 }

func single[N number](kind prometheus.ValueType, name, help string, get func(st *snapshot) N) family {
	return family{prometheus.NewDesc(name, help, nil, nil), kind, func(st *snapshot, tell func(float64, ...string)) { tell(float64(get(st))) }}
}

func total(name, help string, get func(st *snapshot) uint64) family {
	return single(prometheus.CounterValue, name, help, get)
}

func now(name, help string, get func(st *snapshot) int) family {
	return single(prometheus.GaugeValue, name, help, get)
}

// by is a counter with a value for each key.
func by[K comparable](name, help, label string, get func(st *snapshot) map[K]uint64) family {
	return family{prometheus.NewDesc(name, help, []string{label}, nil), prometheus.CounterValue, func(st *snapshot, tell func(float64, ...string)) {
		for key, n := range get(st) {
			tell(float64(n), fmt.Sprint(key))
		}
	}}
}

var families = []family{
	total("sockeye_accept_errors_total", "Attempts to accept a connection that failed, for want of file descriptors say.", func(st *snapshot) uint64 { return st.unaccepted }),

	{
		prometheus.NewDesc("sockeye_sessions", "Open connections, by transport.", []string{"transport"}, nil), prometheus.GaugeValue,
		func(st *snapshot, tell func(float64, ...string)) {
			tell(float64(st.io.Engine.Polling), "polling")
			tell(float64(st.io.Engine.WebSocket), "websocket")
		},
	},
	now("sockeye_sockets", "Connected sockets, over all namespaces.", func(st *snapshot) int { return st.io.Sockets }),
	now("sockeye_namespaces", "Namespaces that exist.", func(st *snapshot) int { return st.io.Namespaces }),

	total("sockeye_sessions_opened_total", "Connections opened.", func(st *snapshot) uint64 { return st.io.Engine.Opened }),
	total("sockeye_sessions_upgraded_total", "Connections that changed from polling to WebSocket.", func(st *snapshot) uint64 { return st.io.Engine.Upgraded }),
	by("sockeye_sessions_closed_total", "Connections closed, by reason.", "reason", func(st *snapshot) map[engineio.Reason]uint64 { return st.io.Engine.Closed }),
	by("sockeye_requests_refused_total", "HTTP requests refused, by Engine.IO error code.", "code", func(st *snapshot) map[int]uint64 { return st.io.Engine.Refused }),
	by("sockeye_engine_limits_total", "How often each limit of a connection was reached.", "limit", func(st *snapshot) map[engineio.Bound]uint64 { return st.io.Engine.Bounds }),
	by("sockeye_messages_dropped_total", "Messages given up, by reason.", "reason", func(st *snapshot) map[engineio.Drop]uint64 { return st.io.Engine.Dropped }),
	total("sockeye_messages_received_total", "Engine.IO messages received.", func(st *snapshot) uint64 { return st.io.Engine.MessagesIn }),
	total("sockeye_messages_sent_total", "Engine.IO messages accepted for sending.", func(st *snapshot) uint64 { return st.io.Engine.MessagesOut }),
	total("sockeye_messages_delivered_total", "Of those, messages written to the client.", func(st *snapshot) uint64 { return st.io.Engine.Delivered }),
	total("sockeye_messages_abandoned_total", "Of those, messages given up because the connection ended or the client was too slow.", func(st *snapshot) uint64 { return st.io.Engine.Abandoned }),
	total("sockeye_received_bytes_total", "Bytes of messages received.", func(st *snapshot) uint64 { return st.io.Engine.BytesIn }),
	total("sockeye_sent_bytes_total", "Bytes of messages accepted for sending.", func(st *snapshot) uint64 { return st.io.Engine.BytesOut }),

	total("sockeye_sockets_connected_total", "Sockets let in.", func(st *snapshot) uint64 { return st.io.Connected }),
	total("sockeye_sockets_refused_total", "Sockets refused by a namespace.", func(st *snapshot) uint64 { return st.io.Refused }),
	by("sockeye_sockets_disconnected_total", "Sockets that left, by reason.", "reason", func(st *snapshot) map[socketio.DisconnectReason]uint64 { return st.io.Disconnected }),
	total("sockeye_events_received_total", "Events received.", func(st *snapshot) uint64 { return st.io.EventsIn }),
	by("sockeye_events_ignored_total", "Events and answers that nobody looked at, by reason.", "reason", func(st *snapshot) map[socketio.Ignore]uint64 { return st.io.Ignored }),
	total("sockeye_packets_sent_total", "Events and acknowledgements handed to the connections, one for each receiver.", func(st *snapshot) uint64 { return st.io.Sent }),
	by("sockeye_packets_dropped_total", "Events and acknowledgements that were not, by reason.", "reason", func(st *snapshot) map[socketio.Drop]uint64 { return st.io.Dropped }),
	total("sockeye_packets_malformed_total", "Packets that cost their connection.", func(st *snapshot) uint64 { return st.io.Malformed }),
	by("sockeye_limits_total", "How often each limit of a socket was reached.", "limit", func(st *snapshot) map[socketio.Bound]uint64 { return st.io.Bounds }),
	total("sockeye_handler_errors_total", "Errors of handlers, panics included.", func(st *snapshot) uint64 { return st.io.Errors }),
	total("sockeye_panics_total", "Panics of handlers and hooks, all contained.", func(st *snapshot) uint64 { return st.io.Panics + st.io.Engine.Panics }),

	now("sockeye_plain_connections", "Open plain WebSocket connections.", func(st *snapshot) int { return st.plain.Open }),
	total("sockeye_plain_opened_total", "Plain WebSocket connections opened.", func(st *snapshot) uint64 { return st.plain.Opened }),
	total("sockeye_plain_refused_total", "Plain WebSocket handshakes refused.", func(st *snapshot) uint64 { return st.plain.Refused }),
	by("sockeye_plain_limits_total", "How often each limit of plain WebSocket handshakes was reached.", "limit", func(st *snapshot) map[engineio.Bound]uint64 { return st.plain.Bounds }),
	total("sockeye_plain_received_total", "Messages received over plain WebSockets.", func(st *snapshot) uint64 { return st.plain.Received }),
	total("sockeye_plain_sent_total", "Messages accepted for sending over plain WebSockets.", func(st *snapshot) uint64 { return st.plain.Sent }),
	total("sockeye_plain_dropped_total", "Messages given up for slow clients of plain WebSockets.", func(st *snapshot) uint64 { return st.plain.Dropped }),
	by("sockeye_plain_ended_total", "Plain WebSocket connections ended by the server, by reason.", "reason", func(st *snapshot) map[string]uint64 {
		return map[string]uint64{"slow": st.plain.Slow, "silent": st.plain.Silent, "stalled": st.plain.Stalled, "invalid": st.plain.Invalid}
	}),
	total("sockeye_plain_panics_total", "Panics of plain WebSocket endpoints, all contained.", func(st *snapshot) uint64 { return st.plain.Panics }),

	now("sockeye_cluster_connected", "1 if the cluster's broker can be spoken to now, else 0.", func(st *snapshot) int { return bit(st.cluster().Connected) }),
	now("sockeye_cluster_nodes", "Servers in the cluster, this one included; 0 without a cluster.", func(st *snapshot) int { return st.cluster().Nodes }),
	now("sockeye_cluster_queued_bytes", "Bytes that wait for the broker.", func(st *snapshot) int { return st.cluster().Queued }),
	now("sockeye_cluster_questions", "Questions to other nodes that wait for answers.", func(st *snapshot) int { return st.cluster().Questions }),
	total("sockeye_cluster_published_total", "Messages handed to the broker.", func(st *snapshot) uint64 { return st.cluster().Published }),
	total("sockeye_cluster_received_total", "Messages that came from the broker.", func(st *snapshot) uint64 { return st.cluster().Received }),
	total("sockeye_cluster_skipped_total", "Of those, messages that were for nobody here.", func(st *snapshot) uint64 { return st.cluster().Skipped }),
	by("sockeye_cluster_dropped_total", "Messages not sent, as the queue was full or the broker away, by class.", "class", func(st *snapshot) map[string]uint64 {
		return withZeros(st.cluster().Dropped, clusterClasses)
	}),
	by("sockeye_cluster_missed_total", "Messages of other nodes that never came, by node; of nodes that are gone under \"gone\".", "from", func(st *snapshot) map[string]uint64 {
		return missed(st.cluster())
	}),
	total("sockeye_cluster_duplicates_total", "Messages that came again, and were dropped.", func(st *snapshot) uint64 { return st.cluster().Duplicates }),
	by("sockeye_cluster_malformed_total", "Messages that were ignored, by reason.", "why", func(st *snapshot) map[string]uint64 {
		return withZeros(st.cluster().Malformed, clusterReasons)
	}),
	total("sockeye_cluster_late_answers_total", "Answers of other nodes that nobody waited for any more.", func(st *snapshot) uint64 { return st.cluster().Late }),
}
