package inspect

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio"
)

// node is a server, and what it counts.
type node struct {
	ID         string  `json:"id"`
	Name       string  `json:"name"`
	Backend    string  `json:"backend"`
	Connected  bool    `json:"connected"` // to the broker
	Up         float64 `json:"up"`        // seconds
	Goroutines int     `json:"goroutines"`
	Figures    figures `json:"figures"`
	Reasons    reasons `json:"reasons"`
}

type figures struct {
	Sockets   int    `json:"sockets"`
	Polling   int    `json:"polling"`
	WebSocket int    `json:"websocket"`
	EventsIn  uint64 `json:"eventsIn"`
	Sent      uint64 `json:"sent"`
	BytesIn   uint64 `json:"bytesIn"`
	BytesOut  uint64 `json:"bytesOut"`
	Waiting   int64  `json:"waiting"`
	Errors    uint64 `json:"errors"`
	Panics    uint64 `json:"panics"`
}

// reasons are counters by group and reason; those that are 0 are left out.
type reasons map[string]map[string]uint64

type space struct {
	Name    string `json:"name"`
	Sockets int    `json:"sockets"`
	Rooms   int    `json:"rooms"`
}

type room struct {
	Name    string `json:"name"`
	Sockets int    `json:"sockets"`
}

type socket struct {
	ID        string  `json:"id"`
	Node      string  `json:"node"`
	Transport string  `json:"transport"`
	Revision  int     `json:"revision"`
	Address   string  `json:"address"`
	Age       float64 `json:"age"` // of the connection, in seconds
	Rooms     int     `json:"rooms"`
	Buffered  int     `json:"buffered"`
	In        uint32  `json:"in"`
	Out       uint32  `json:"out"`
}

type detail struct {
	socket
	Namespace string   `json:"ns"`
	Where     []string `json:"where"`
	Data      string   `json:"data"`
	Agent     string   `json:"agent"`
	Origin    string   `json:"origin"`
	Handling  string   `json:"handling"`
	Recovered bool     `json:"recovered"`
}

const (
	maxSpaces = 200     // that have most sockets
	maxIn     = 200     // rooms of one socket
	maxData   = 4 << 10 // bytes
)

// local is this node's answer.
func (in *Inspector) local(q question) (a answer) {
	a.Node = in.node()
	if q.Node != "" && q.Node != a.Node.ID {
		return a
	}
	if q.Kind == "overview" {
		a.Spaces = in.spaces()
		return a
	}
	if q.Kind == "feed" {
		in.read(q, &a)
		return a
	}
	if q.Act != nil && q.Act.What == "frames" {
		a.Error = in.logFrames(q.Act.To)
		return a
	}
	ns := in.namespace(q.NS)
	if ns == nil {
		return a
	}
	switch q.Kind {
	case "rooms":
		a.Rooms, a.Total = rooms(ns, q)
	case "sockets":
		a.Sockets, a.Total = in.sockets(ns, q, a.Node.ID)
	case "socket":
		if s, ok := ns.Socket(q.ID); ok {
			a.Detail = in.detail(s, a.Node.ID)
		}
	case "do":
		a.Done, a.Error = in.perform(ns, q.Act)
	}
	return a
}

// namespace finds one that exists, and makes none.
func (in *Inspector) namespace(name string) *socketio.Namespace {
	for ns := range in.io.Namespaces() {
		if ns.Name() == name {
			return ns
		}
	}
	return nil
}

func (in *Inspector) node() node {
	st := in.io.Stats()
	n := node{Name: in.opts.Name, ID: in.opts.Name, Connected: true, Up: time.Since(in.started).Seconds(), Goroutines: runtime.NumGoroutine(), Reasons: reasons{}}
	if c, ok := in.io.Cluster(); ok {
		n.ID, n.Backend, n.Connected = c.Node, c.Backend, c.Connected
	}
	n.Figures = figures{
		Sockets: st.Sockets, Polling: st.Engine.Polling, WebSocket: st.Engine.WebSocket, EventsIn: st.EventsIn, Sent: st.Sent,
		BytesIn: st.Engine.BytesIn, BytesOut: st.Engine.BytesOut,
		Waiting: max(0, int64(st.Engine.MessagesOut-st.Engine.Delivered-st.Engine.Abandoned)), Errors: st.Errors, Panics: st.Panics + st.Engine.Panics,
	}
	gather(n.Reasons, "disconnected", st.Disconnected)
	gather(n.Reasons, "dropped", st.Dropped)
	gather(n.Reasons, "ignored", st.Ignored)
	gather(n.Reasons, "limits", st.Bounds)
	gather(n.Reasons, "limits", st.Engine.Bounds)
	gather(n.Reasons, "refused", st.Engine.Refused)
	if st.Cluster != nil {
		gather(n.Reasons, "cluster", st.Cluster.Dropped)
		gather(n.Reasons, "cluster", map[string]uint64{"missed": st.Cluster.Missed, "duplicates": st.Cluster.Duplicates})
	}
	return n
}

func gather[K comparable](to reasons, group string, counts map[K]uint64) {
	for key, n := range counts {
		if n == 0 {
			continue
		}
		if to[group] == nil {
			to[group] = map[string]uint64{}
		}
		to[group][fmt.Sprint(key)] += n
	}
}

func (in *Inspector) spaces() []space {
	var list []space
	for ns := range in.io.Namespaces() {
		if len(ns.Name()) > longest { // which nobody can ask for
			continue
		}
		n := 0
		for range ns.Rooms() {
			n++
		}
		list = append(list, space{ns.Name(), ns.Len(), n})
	}
	slices.SortFunc(list, func(x, y space) int { return cmp.Or(cmp.Compare(y.Sockets, x.Sockets), cmp.Compare(x.Name, y.Name)) })
	return first(list, maxSpaces)
}

func rooms(ns *socketio.Namespace, q question) ([]room, int) {
	found, total := smallest[room]{n: q.Limit}, 0
	for name := range ns.Rooms() {
		if !strings.Contains(name, q.Text) {
			continue
		}
		if total++; len(name) <= longest && (name > q.After || q.After == "") { // what is longer cannot be asked for
			found.add(name, func() room { return room{name, ns.RoomLen(name)} })
		}
	}
	return found.list(), total
}

func (in *Inspector) sockets(ns *socketio.Namespace, q question, node string) ([]socket, int) {
	found, total := smallest[socket]{n: q.Limit}, 0
	each := ns.Sockets()
	if q.Room != "" {
		each = ns.RoomSockets(q.Room)
	}
	for s := range each {
		if q.Text != "" && !strings.Contains(s.ID(), q.Text) && !strings.Contains(s.Handshake().RemoteAddr(), q.Text) {
			continue
		}
		if key := q.key(s); key > q.After {
			found.add(key, func() socket { return describe(s, node) })
		}
		total++
	}
	return found.list(), total
}

func describe(s *socketio.Socket, node string) socket {
	h := s.Handshake()
	in, out := s.Traffic()
	return socket{
		ID: s.ID(), Node: node, Transport: s.Transport(), Revision: s.Protocol(), Address: clip.Text(h.RemoteAddr()), Age: time.Since(h.Time()).Seconds(),
		Rooms: len(s.Rooms()), Buffered: s.Buffered(), In: in, Out: out,
	}
}

func (in *Inspector) detail(s *socketio.Socket, node string) *detail {
	d := &detail{
		socket: describe(s, node), Namespace: s.Namespace().Name(), Recovered: s.Recovered(), Handling: clip.Text(s.Handling()),
		Agent: clip.Text(s.Handshake().Header().Get("User-Agent")), Origin: clip.Text(s.Handshake().Header().Get("Origin")), Data: data(s),
	}
	rooms := s.Rooms()
	slices.Sort(rooms)
	for _, name := range first(rooms, maxIn) {
		d.Where = append(d.Where, clip.Text(name))
	}
	return d
}

// data is what is kept on a socket, as far as it can be shown.
func data(s *socketio.Socket) (text string) {
	defer func() {
		if v := recover(); v != nil { // an application's MarshalJSON
			text = "cannot be shown: " + clip.Text(fmt.Sprint(v))
		}
	}()
	var all bytes.Buffer
	e := json.NewEncoder(&all)
	e.SetEscapeHTML(false) // the page makes text of it
	e.SetIndent("", "  ")
	if err := e.Encode(s.Data()); err != nil {
		return "cannot be shown: " + clip.Text(err.Error())
	}
	b := bytes.TrimSpace(all.Bytes())
	if len(b) > maxData {
		return strings.ToValidUTF8(string(b[:maxData]), "") + "…"
	}
	return string(b)
}
