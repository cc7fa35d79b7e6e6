package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

var ofServer = families[socketio.Stats]{

	{
		prometheus.NewDesc("sockeye_sessions", "Open connections, by transport and Engine.IO revision.", []string{"transport", "revision"}, nil), prometheus.GaugeValue,
		func(st *socketio.Stats, tell func(float64, ...string)) {
			e := &st.Engine
			tell(float64(max(0, e.Polling-e.PollingEIO3)), "polling", "4")
			tell(float64(e.PollingEIO3), "polling", "3")
			tell(float64(max(0, e.WebSocket-e.WebSocketEIO3)), "websocket", "4")
			tell(float64(e.WebSocketEIO3), "websocket", "3")
		},
	},
	now("sockeye_sockets", "Connected sockets, over all namespaces.", func(st *socketio.Stats) int { return st.Sockets }),
	now("sockeye_namespaces", "Namespaces that exist.", func(st *socketio.Stats) int { return st.Namespaces }),

	total("sockeye_sessions_opened_total", "Connections opened.", func(st *socketio.Stats) uint64 { return st.Engine.Opened }),
	total("sockeye_sessions_upgraded_total", "Connections that changed from polling to WebSocket.", func(st *socketio.Stats) uint64 { return st.Engine.Upgraded }),
	by("sockeye_sessions_closed_total", "Connections closed, by reason.", "reason", func(st *socketio.Stats) map[engineio.Reason]uint64 { return st.Engine.Closed }),
	by("sockeye_requests_refused_total", "HTTP requests refused, by Engine.IO error code.", "code", func(st *socketio.Stats) map[int]uint64 { return st.Engine.Refused }),
	by("sockeye_engine_limits_total", "How often each limit of a connection was reached.", "limit", func(st *socketio.Stats) map[engineio.Bound]uint64 { return st.Engine.Bounds }),
	by("sockeye_messages_dropped_total", "Messages given up, by reason.", "reason", func(st *socketio.Stats) map[engineio.Drop]uint64 { return st.Engine.Dropped }),
	total("sockeye_messages_received_total", "Engine.IO messages received.", func(st *socketio.Stats) uint64 { return st.Engine.MessagesIn }),
	total("sockeye_messages_sent_total", "Engine.IO messages accepted for sending.", func(st *socketio.Stats) uint64 { return st.Engine.MessagesOut }),
	total("sockeye_messages_delivered_total", "Of those, messages written to the client.", func(st *socketio.Stats) uint64 { return st.Engine.Delivered }),
	total("sockeye_messages_abandoned_total", "Of those, messages given up because the connection ended or the client was too slow.", func(st *socketio.Stats) uint64 { return st.Engine.Abandoned }),
	now("sockeye_messages_waiting", "Messages accepted for sending that the clients have not taken yet.", func(st *socketio.Stats) int {
		return int(max(0, int64(st.Engine.MessagesOut-st.Engine.Delivered-st.Engine.Abandoned)))
	}),
	total("sockeye_received_bytes_total", "Bytes of messages received.", func(st *socketio.Stats) uint64 { return st.Engine.BytesIn }),
	total("sockeye_sent_bytes_total", "Bytes of messages accepted for sending.", func(st *socketio.Stats) uint64 { return st.Engine.BytesOut }),

	total("sockeye_sockets_connected_total", "Sockets let in.", func(st *socketio.Stats) uint64 { return st.Connected }),
	total("sockeye_sockets_refused_total", "Sockets refused by a namespace.", func(st *socketio.Stats) uint64 { return st.Refused }),
	by("sockeye_sockets_disconnected_total", "Sockets that left, by reason.", "reason", func(st *socketio.Stats) map[socketio.DisconnectReason]uint64 { return st.Disconnected }),
	total("sockeye_events_received_total", "Events received.", func(st *socketio.Stats) uint64 { return st.EventsIn }),
	total("sockeye_acks_received_total", "Acknowledgements received that somebody waited for.", func(st *socketio.Stats) uint64 { return st.AcksIn }),
	by("sockeye_events_ignored_total", "Events and answers that nobody looked at, by reason.", "reason", func(st *socketio.Stats) map[socketio.Ignore]uint64 { return st.Ignored }),
	total("sockeye_packets_sent_total", "Events and acknowledgements handed to the connections, one for each receiver.", func(st *socketio.Stats) uint64 { return st.Sent }),
	total("sockeye_acks_sent_total", "Of these, acknowledgements.", func(st *socketio.Stats) uint64 { return st.AcksOut }),
	by("sockeye_packets_dropped_total", "Events and acknowledgements that were not, by reason.", "reason", func(st *socketio.Stats) map[socketio.Drop]uint64 { return st.Dropped }),
	total("sockeye_packets_malformed_total", "Packets that cost their connection.", func(st *socketio.Stats) uint64 { return st.Malformed }),
	by("sockeye_limits_total", "How often each limit of a socket was reached.", "limit", func(st *socketio.Stats) map[socketio.Bound]uint64 { return st.Bounds }),
	total("sockeye_recovered_total", "Clients that came back to their old state.", func(st *socketio.Stats) uint64 { return st.Recovered }),
	by("sockeye_unrecovered_total", "Clients that asked for their old state and did not get it, by reason.", "reason", func(st *socketio.Stats) map[string]uint64 { return st.Unrecovered }),
	total("sockeye_handler_errors_total", "Errors of handlers, panics included.", func(st *socketio.Stats) uint64 { return st.Errors }),
	total("sockeye_panics_total", "Panics of handlers and hooks, all contained.", func(st *socketio.Stats) uint64 { return st.Panics + st.Engine.Panics }),

	now("sockeye_cluster_connected", "1 if the cluster's broker can be spoken to now, else 0.", func(st *socketio.Stats) int { return bit(cluster(st).Connected) }),
	now("sockeye_cluster_nodes", "Servers in the cluster, this one included; 0 without a cluster.", func(st *socketio.Stats) int { return cluster(st).Nodes }),
	now("sockeye_cluster_queued_bytes", "Bytes that wait for the broker.", func(st *socketio.Stats) int { return cluster(st).Queued }),
	now("sockeye_cluster_questions", "Questions to other nodes that wait for answers.", func(st *socketio.Stats) int { return cluster(st).Questions }),
	total("sockeye_cluster_published_total", "Messages handed to the broker.", func(st *socketio.Stats) uint64 { return cluster(st).Published }),
	total("sockeye_cluster_received_total", "Messages that came from the broker.", func(st *socketio.Stats) uint64 { return cluster(st).Received }),
	total("sockeye_cluster_skipped_total", "Of those, messages that were for nobody here.", func(st *socketio.Stats) uint64 { return cluster(st).Skipped }),
	by("sockeye_cluster_dropped_total", "Messages not sent, as the queue was full or the broker away, by class.", "class", func(st *socketio.Stats) map[string]uint64 {
		return withZeros(cluster(st).Dropped, clusterClasses)
	}),
	by("sockeye_cluster_missed_total", "Messages of other nodes that never came, by node; of nodes that are gone under \"gone\".", "from", func(st *socketio.Stats) map[string]uint64 {
		return missed(cluster(st))
	}),
	total("sockeye_cluster_duplicates_total", "Messages that came again, and were dropped.", func(st *socketio.Stats) uint64 { return cluster(st).Duplicates }),
	by("sockeye_cluster_malformed_total", "Messages that were ignored, by reason.", "why", func(st *socketio.Stats) map[string]uint64 {
		return withZeros(cluster(st).Malformed, clusterReasons)
	}),
	by("sockeye_cluster_forwards_total", "Requests for sessions of other nodes, by what became of them.", "outcome", func(st *socketio.Stats) map[string]uint64 {
		return withZeros(cluster(st).Forwards, forwardOutcomes)
	}),
	total("sockeye_cluster_late_answers_total", "Answers of other nodes that nobody waited for any more.", func(st *socketio.Stats) uint64 { return cluster(st).Late }),
}
