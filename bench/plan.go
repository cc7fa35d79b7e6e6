package main

import "slices"

// server is one program under test.
type server struct {
	name  string
	title string
	args  []string // after the built binary, or after node
	env   []string
	eio   string // Engine.IO revision to speak, "" for 4
}

// servers by name; binaries are found in the output folder by their first word.
var servers = []server{
	{name: "node", title: "Node socket.io", args: []string{"node"}},
	{name: "sockeye", title: "Sockeye", args: []string{"sockeye"}},
	{name: "sockeye-string", title: "Sockeye, string", args: []string{"sockeye"}, env: []string{"ECHO=string"}},
	{name: "sockeye-struct", title: "Sockeye, typed struct", args: []string{"sockeye"}, env: []string{"ECHO=struct"}},
	{name: "sockeye-any", title: "Sockeye, any", args: []string{"sockeye"}, env: []string{"ECHO=any"}},
	{name: "sockeye-goroutines", title: "Sockeye, POLLER=off", args: []string{"sockeye"}, env: []string{"POLLER=off"}},
	{name: "base", title: "Sockeye, as in -base", args: []string{"base"}},
	{name: "base-string", title: "Sockeye, string, as in -base", args: []string{"base"}, env: []string{"ECHO=string"}},
	{name: "floor", title: "floor", args: []string{"floor", "-impl", "lean"}},
	{name: "floor-epoll", title: "floor, epoll", args: []string{"floor", "-impl", "epoll"}},
	{name: "floor-gws", title: "floor, gws (TLS)", args: []string{"floor", "-impl", "gws"}},
	{name: "floor-polling", title: "floor, net/http polling", args: []string{"floor", "-impl", "polling"}},
	{name: "floor-rawpoll", title: "floor, bare-socket polling", args: []string{"floor", "-impl", "rawpoll"}},
	{name: "zishang520", title: "zishang520/socket.io", args: []string{"zishang520"}},
	{name: "googollee", title: "go-socket.io", args: []string{"googollee"}, eio: "3"},
	{name: "googollee-string", title: "go-socket.io, string", args: []string{"googollee"}, env: []string{"ECHO=string"}, eio: "3"},
	{name: "face-string", title: "Sockeye, go-socket.io's handler, string", args: []string{"googollee"}, env: []string{"ENGINE=sockeye", "ECHO=string"}, eio: "3"},
	{name: "sockeye-string-eio3", title: "Sockeye, string, Engine.IO 3", args: []string{"sockeye"}, env: []string{"ECHO=string"}, eio: "3"},
}

func serverNamed(name string) server {
	return servers[slices.IndexFunc(servers, func(s server) bool { return s.name == name })]
}

// scenario is one way to run the generator, on several servers.
type scenario struct {
	name  string
	title string
	flags []string
	timed bool     // takes -warmup and -duration
	quick bool     // is part of the short run
	on    []string // servers, the reference first
}

// beside puts the server of another revision behind this one's.
func beside(on []string) []string {
	var out []string
	for _, name := range on {
		out = append(out, name)
		switch name {
		case "sockeye":
			out = append(out, "base")
		case "sockeye-string":
			out = append(out, "base-string")
		}
	}
	return out
}

var (
	everybody = []string{"node", "sockeye", "floor", "zishang520", "googollee"}
	withEpoll = []string{"node", "sockeye", "floor-epoll", "zishang520", "googollee"}
)

var scenarios = []scenario{
	{name: "echo64", title: "echo with ack, 64-byte string, 100 clients", timed: true, quick: true,
		flags: []string{"-scenario", "echo", "-clients", "100", "-curve"},
		on:    []string{"node", "sockeye-string", "floor", "zishang520", "googollee"}},
	{name: "echo64-eio3", title: "handlers written for go-socket.io: echo with ack, 64-byte string, 100 clients, Engine.IO 3", timed: true,
		flags: []string{"-scenario", "echo", "-clients", "100"},
		on:    []string{"node", "sockeye-string-eio3", "face-string", "googollee-string"}},
	{name: "bcast1000-eio3", title: "handlers written for go-socket.io: broadcast to 1,000, Engine.IO 3", timed: true,
		flags: []string{"-scenario", "broadcast", "-clients", "1000"},
		on:    []string{"node", "sockeye-string-eio3", "face-string", "googollee-string"}},
	{name: "echo1k", title: "echo with ack, 1 KiB object, 100 clients", timed: true, quick: true,
		flags: []string{"-scenario", "echo", "-clients", "100", "-payload", "object", "-size", "1024"},
		on:    []string{"node", "sockeye", "sockeye-struct", "sockeye-any", "floor"}},
	{name: "bcast100", title: "broadcast to 100, one at a time", timed: true,
		flags: []string{"-scenario", "broadcast", "-clients", "100"}, on: everybody},
	{name: "bcast1000", title: "broadcast to 1,000, one at a time", timed: true, quick: true,
		flags: []string{"-scenario", "broadcast", "-clients", "1000", "-curve"}, on: everybody},
	{name: "bcast5000", title: "broadcast to 5,000, one at a time", timed: true,
		flags: []string{"-scenario", "broadcast", "-clients", "5000"}, on: everybody},
	{name: "bcast15000", title: "broadcast to 15,000, one at a time", timed: true,
		flags: []string{"-scenario", "broadcast", "-clients", "15000"}, on: []string{"node", "sockeye", "floor"}},
	{name: "burst1000", title: "broadcast to 1,000, bursts of 16", timed: true, quick: true,
		flags: []string{"-scenario", "broadcast", "-clients", "1000", "-window", "16"}, on: everybody},
	{name: "rooms50", title: "rooms of 50, bursts of 16", timed: true, quick: true,
		flags: []string{"-scenario", "rooms", "-clients", "1000", "-rooms", "20", "-window", "16"}, on: everybody},
	{name: "connect", title: "connect straight to WebSocket", quick: true,
		flags: []string{"-scenario", "idle", "-clients", "2000", "-settle", "1s"}, on: everybody},
	{name: "upgrade", title: "connect by polling, then upgrade", quick: true,
		flags: []string{"-scenario", "idle", "-clients", "2000", "-settle", "1s", "-upgrade"},
		on:    []string{"node", "sockeye", "zishang520"}},
	{name: "idle1000", title: "1,000 idle clients",
		flags: []string{"-scenario", "idle", "-clients", "1000", "-settle", "10s"}, on: withEpoll},
	{name: "idle3000", title: "3,000 idle clients",
		flags: []string{"-scenario", "idle", "-clients", "3000", "-settle", "10s"}, on: withEpoll},
	{name: "idle10k", title: "10,000 idle clients",
		flags: []string{"-scenario", "idle", "-clients", "10000", "-settle", "10s", "-hold", "25s"}, on: withEpoll},
	{name: "poll-echo64", title: "long-polling: echo with ack, 64-byte string, 100 clients", timed: true, quick: true,
		flags: []string{"-scenario", "echo", "-clients", "100", "-transport", "polling"},
		on:    []string{"node", "sockeye-string", "floor-polling", "floor-rawpoll"}},
	{name: "poll-bcast1000", title: "long-polling: broadcast to 1,000", timed: true, quick: true,
		flags: []string{"-scenario", "broadcast", "-clients", "1000", "-transport", "polling"},
		on:    []string{"node", "sockeye", "floor-polling", "floor-rawpoll"}},
	{name: "poll-idle5k", title: "long-polling: 5,000 idle clients",
		flags: []string{"-scenario", "idle", "-clients", "5000", "-transport", "polling", "-settle", "8s"},
		on:    []string{"node", "sockeye", "floor-polling", "floor-rawpoll"}},
	{name: "tls-echo64", title: "TLS: echo with ack, 64-byte string, 100 clients", timed: true, quick: true,
		flags: []string{"-scenario", "echo", "-clients", "100", "-tls"}, on: []string{"node", "sockeye-string", "floor-gws"}},
	{name: "tls-bcast1000", title: "TLS: broadcast to 1,000", timed: true, quick: true,
		flags: []string{"-scenario", "broadcast", "-clients", "1000", "-tls"}, on: []string{"node", "sockeye", "floor-gws"}},
	{name: "tls-idle2k", title: "TLS: 2,000 idle clients",
		flags: []string{"-scenario", "idle", "-clients", "2000", "-settle", "5s", "-tls"}, on: []string{"node", "sockeye", "floor-gws"}},
	{name: "slow0", title: "16 KiB to 200 clients, 50 a second, all read",
		flags: []string{"-scenario", "broadcast", "-clients", "200", "-size", "16384", "-rate", "50", "-duration", "10s"},
		on:    []string{"node", "sockeye", "floor"}},
	{name: "slow10", title: "the same, ten of them stop reading",
		flags: []string{"-scenario", "broadcast", "-clients", "200", "-size", "16384", "-rate", "50", "-duration", "10s", "-slow", "10"},
		on:    []string{"node", "sockeye", "floor"}},
	{name: "churn1000", title: "1,000 clients come and go, 10 cycles",
		flags: []string{"-scenario", "churn", "-clients", "1000", "-cycles", "10", "-settle", "1s", "-mem-path", "/debug/mem"},
		on:    []string{"node", "sockeye", "floor"}},
}

// row is one line of the report's first table: what a server costs in a
// scenario as a ratio to the reference.
type row struct {
	scenario string
	title    string // "" is the scenario's
	server   string
	metric   metric
	budget   float64 // the ratio at most
	goal     float64
}

var rows = []row{
	{"bcast1000", "", "sockeye", perUnit, .52, .45},
	{"bcast5000", "", "sockeye", perUnit, .36, .32},
	{"burst1000", "", "sockeye", perUnit, .12, .08},
	{"rooms50", "", "sockeye", perUnit, .40, .36},
	{"echo64", "", "sockeye-string", perUnit, .42, .33},
	{"echo1k", "echo, 1 KiB object, raw", "sockeye", perUnit, .30, .22},
	{"echo1k", "echo, 1 KiB object, typed struct", "sockeye-struct", perUnit, .45, .33},
	{"echo1k", "echo, 1 KiB object, any", "sockeye-any", perUnit, .70, .50},
	{"connect", "", "sockeye", perConnect, .38, .30},
	{"upgrade", "", "sockeye", perConnect, .45, .33},
	{"idle10k", "heartbeats of 10,000 idle clients", "sockeye", heartbeat, .22, .18},
	{"idle10k", "memory per idle connection, 10,000 clients", "sockeye", perConn, .23, .16},
	{"tls-idle2k", "TLS: memory per idle connection", "sockeye", perConn, .40, .30},
	{"poll-idle5k", "long-polling: memory per idle client", "sockeye", perConn, 1.0, .20},
	{"poll-echo64", "", "sockeye-string", perUnit, .50, .22},
	{"poll-bcast1000", "", "sockeye", perUnit, .60, .25},
	{"tls-echo64", "", "sockeye-string", perUnit, .38, .28},
	{"tls-bcast1000", "", "sockeye", perUnit, .32, .22},
	{"churn1000", "", "sockeye", perConnect, .50, .50},
}
