// Package metrics tells Prometheus what a Socket.IO server holds and does:
//
//	prometheus.MustRegister(metrics.New(io, nil))
//
// Most of it is read from [socketio.Server.Stats] when somebody asks. What is
// not counted there, which is how long handlers take and how many sockets a
// broadcast reaches, is gathered by [socketio.Server.Watch]: who uses another
// library, OpenTelemetry's say, writes the same in its way (see the example).
//
// Names and labels are listed in docs/operating.md. Labels are bounded: what
// clients can choose, names of events and namespaces, has a value of its own
// only up to the numbers of [Options].
package metrics
