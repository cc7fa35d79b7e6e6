package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/websocket"
)

// WebSocket tells of a server of plain WebSocket endpoints, what its Stats
// tell; there is nothing to close.
func WebSocket(ws *websocket.Server) prometheus.Collector { return plain{ws.Stats} }

type plain struct{ read func() websocket.Stats }

// Describe implements [prometheus.Collector].
func (plain) Describe(ch chan<- *prometheus.Desc) { ofWebSocket.describe(ch) }

// Collect implements [prometheus.Collector].
func (p plain) Collect(ch chan<- prometheus.Metric) { ofWebSocket.collect(p.read(), ch) }

var ofWebSocket = families[websocket.Stats]{
	now("sockeye_plain_connections", "Open plain WebSocket connections.", func(st *websocket.Stats) int { return st.Open }),
	total("sockeye_plain_opened_total", "Plain WebSocket connections opened.", func(st *websocket.Stats) uint64 { return st.Opened }),
	total("sockeye_plain_refused_total", "Plain WebSocket handshakes refused.", func(st *websocket.Stats) uint64 { return st.Refused }),
	by("sockeye_plain_limits_total", "How often each limit of plain WebSocket handshakes was reached.", "limit", func(st *websocket.Stats) map[engineio.Bound]uint64 { return st.Bounds }),
	total("sockeye_plain_received_total", "Messages received over plain WebSockets.", func(st *websocket.Stats) uint64 { return st.Received }),
	total("sockeye_plain_sent_total", "Messages accepted for sending over plain WebSockets.", func(st *websocket.Stats) uint64 { return st.Sent }),
	total("sockeye_plain_dropped_total", "Messages given up for slow clients of plain WebSockets.", func(st *websocket.Stats) uint64 { return st.Dropped }),
	by("sockeye_plain_ended_total", "Plain WebSocket connections ended by the server, by reason.", "reason", func(st *websocket.Stats) map[string]uint64 {
		return map[string]uint64{"slow": st.Slow, "silent": st.Silent, "stalled": st.Stalled, "invalid": st.Invalid}
	}),
	total("sockeye_plain_panics_total", "Panics of plain WebSocket endpoints, all contained.", func(st *websocket.Stats) uint64 { return st.Panics }),
}
