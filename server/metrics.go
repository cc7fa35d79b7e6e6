package server

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/websocket"
)

// metrics answers in Prometheus' text format. Every number is a counter that
// the library keeps anyway; nothing is measured for this.
func (s *Server) metrics(c *gin.Context) {
	c.Data(200, "text/plain; version=0.0.4; charset=utf-8", []byte(expose(s.io.Stats(), s.ws.Stats(), s.unaccepted.Load())))
}

func expose(st socketio.Stats, plain websocket.Stats, unaccepted uint64) string {
	var e exposition

	e.one("sockeye_accept_errors_total", "counter", "Attempts to accept a connection that failed, for want of file descriptors say.", unaccepted)

	e.head("sockeye_sessions", "gauge", "Open connections, by transport.")
	e.value("sockeye_sessions", "transport", "polling", st.Engine.Polling)
	e.value("sockeye_sessions", "transport", "websocket", st.Engine.WebSocket)
	e.one("sockeye_sockets", "gauge", "Connected sockets, over all namespaces.", st.Sockets)
	e.one("sockeye_namespaces", "gauge", "Namespaces that exist.", st.Namespaces)

	e.one("sockeye_sessions_opened_total", "counter", "Connections opened.", st.Engine.Opened)
	e.one("sockeye_sessions_upgraded_total", "counter", "Connections that changed from polling to WebSocket.", st.Engine.Upgraded)
	by(&e, "sockeye_sessions_closed_total", "Connections closed, by reason.", "reason", st.Engine.Closed)
	by(&e, "sockeye_requests_refused_total", "HTTP requests refused, by Engine.IO error code.", "code", st.Engine.Refused)
	by(&e, "sockeye_engine_limits_total", "How often each limit of a connection was reached.", "limit", st.Engine.Bounds)
	by(&e, "sockeye_messages_dropped_total", "Messages given up, by reason.", "reason", st.Engine.Dropped)
	e.one("sockeye_messages_received_total", "counter", "Engine.IO messages received.", st.Engine.MessagesIn)
	e.one("sockeye_messages_sent_total", "counter", "Engine.IO messages accepted for sending.", st.Engine.MessagesOut)
	e.one("sockeye_messages_delivered_total", "counter", "Of those, messages written to the client.", st.Engine.Delivered)
	e.one("sockeye_messages_abandoned_total", "counter", "Of those, messages given up because the connection ended or the client was too slow.", st.Engine.Abandoned)
	e.one("sockeye_received_bytes_total", "counter", "Bytes of messages received.", st.Engine.BytesIn)
	e.one("sockeye_sent_bytes_total", "counter", "Bytes of messages accepted for sending.", st.Engine.BytesOut)

	e.one("sockeye_sockets_connected_total", "counter", "Sockets let in.", st.Connected)
	e.one("sockeye_sockets_refused_total", "counter", "Sockets refused by a namespace.", st.Refused)
	by(&e, "sockeye_sockets_disconnected_total", "Sockets that left, by reason.", "reason", st.Disconnected)
	e.one("sockeye_events_received_total", "counter", "Events received.", st.EventsIn)
	by(&e, "sockeye_events_ignored_total", "Events and answers that nobody looked at, by reason.", "reason", st.Ignored)
	e.one("sockeye_packets_sent_total", "counter", "Events and acknowledgements handed to the connections, one for each receiver.", st.Sent)
	by(&e, "sockeye_packets_dropped_total", "Events and acknowledgements that were not, by reason.", "reason", st.Dropped)
	e.one("sockeye_packets_malformed_total", "counter", "Packets that cost their connection.", st.Malformed)
	by(&e, "sockeye_limits_total", "How often each limit of a socket was reached.", "limit", st.Bounds)
	e.one("sockeye_handler_errors_total", "counter", "Errors of handlers, panics included.", st.Errors)
	e.one("sockeye_panics_total", "counter", "Panics of handlers and hooks, all contained.", st.Panics+st.Engine.Panics)

	e.one("sockeye_plain_connections", "gauge", "Open plain WebSocket connections.", plain.Open)
	e.one("sockeye_plain_opened_total", "counter", "Plain WebSocket connections opened.", plain.Opened)
	e.one("sockeye_plain_refused_total", "counter", "Plain WebSocket handshakes refused.", plain.Refused)
	by(&e, "sockeye_plain_limits_total", "How often each limit of plain WebSocket handshakes was reached.", "limit", plain.Bounds)
	e.one("sockeye_plain_received_total", "counter", "Messages received over plain WebSockets.", plain.Received)
	e.one("sockeye_plain_sent_total", "counter", "Messages accepted for sending over plain WebSockets.", plain.Sent)
	e.one("sockeye_plain_dropped_total", "counter", "Messages given up for slow clients of plain WebSockets.", plain.Dropped)
	by(&e, "sockeye_plain_ended_total", "Plain WebSocket connections ended by the server, by reason.", "reason", map[string]uint64{
		"slow": plain.Slow, "silent": plain.Silent, "stalled": plain.Stalled, "invalid": plain.Invalid,
	})
	e.one("sockeye_plain_panics_total", "counter", "Panics of plain WebSocket endpoints, all contained.", plain.Panics)
	return e.String()
}

// exposition is a page of metrics in the making.
type exposition struct{ strings.Builder }

func (e *exposition) head(name, kind, help string) {
	fmt.Fprintf(e, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func (e *exposition) one(name, kind, help string, v any) {
	e.head(name, kind, help)
	fmt.Fprintf(e, "%s %d\n", name, v)
}

func (e *exposition) value(name, label, as string, v any) {
	fmt.Fprintf(e, "%s{%s=%s} %d\n", name, label, strconv.Quote(as), v)
}

// by writes a counter with one line for each key that has been counted so far.
func by[K cmp.Ordered](e *exposition, name, help, label string, counts map[K]uint64) {
	e.head(name, "counter", help)
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		e.value(name, label, fmt.Sprint(key), counts[key])
	}
}
