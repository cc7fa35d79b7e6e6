package namespaces

import (
	"embed"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/websocket"
)

//go:generate go run ../cmd/sockeye-events -title Sockeye -o api

// Source holds this package's own files, for the pages to show.
//
//go:embed *.go
var Source embed.FS

// AsyncAPI describes what the namespaces hear and say.
//
//go:embed api/asyncapi.json
var AsyncAPI []byte

// Mount registers all namespaces on io. It is called once, before io serves.
func Mount(io *socketio.Server) {
	Welcome(io.Of("/"))
	Home(io.Of("/home"))
	Playground(io.Of("/playground"))
	Chat(io.Of("/chat"))
	Whiteboard(io.Of("/whiteboard"))
	Cursors(io.Of("/cursors"))
	Counter(io.Of("/counter"))
	Echo(io.Of("/echo"))
	Lifecycle(io.Of("/lifecycle"))
	Polling(io.Of("/polling"))
	Binary(io.Of("/binary"))
	Acks(io.Of("/acks"))
	Acks(io.Of("/acks-careful")) // the same again, for a client that retries
	Origin(io.Of("/origin"))
	Recovery(io.Of("/recovery"))
}

// Sockets are the programs over plain WebSocket, by name; each is served at
// /ws/ and its name.
func Sockets() map[string]websocket.Endpoint {
	return map[string]websocket.Endpoint{
		"echo":    EchoSocket(),
		"append":  AppendSocket(),
		"counter": CounterSocket(),
		"kaazing": KaazingSocket(),
	}
}
