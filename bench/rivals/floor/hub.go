//go:build linux

package main

import (
	"bytes"
	"fmt"
	"sync"
	"time"
)

// peer is one connected client of whatever WebSocket layer is under test.
type peer interface {
	// write sends one text message; msg is good only during the call.
	write(msg []byte)
	// share sends a message that many peers get.
	share(s *shared)
}

// shared is a message encoded once for many peers.
type shared struct {
	text []byte // the message
	wire []byte // the message as an unmasked WebSocket frame
	ext  any    // what a library makes of it
}

// hub is the least that looks like a Socket.IO server to the load generator:
// it joins every client, answers echo, and fans broadcast and room out, all on
// the bytes as they came, with no JSON decoded.
type hub struct {
	prepare func(s *shared) // library's own encoding; may be nil
	uncork  func()          // starts the writing of what deliver has queued; may be nil
	mu      sync.RWMutex
	all     []peer
	index   map[peer]int
	rooms   map[string][]peer
}

func newHub() *hub {
	return &hub{index: map[peer]int{}, rooms: map[string][]peer{}}
}

// deliver sends s to all of them.
func (h *hub) deliver(to []peer, s *shared) {
	for _, p := range to {
		p.share(s)
	}
}

var openPacket = []byte(`0{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`)

func (h *hub) open(p peer) { p.write(openPacket) }

func (h *hub) join(p peer) {
	h.mu.Lock()
	h.index[p] = len(h.all)
	h.all = append(h.all, p)
	h.mu.Unlock()
	p.write([]byte(`40{"sid":"BBBBBBBBBBBBBBBBBBBB"}`))
}

func (h *hub) leave(p peer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, ok := h.index[p]
	if !ok {
		return
	}
	last := len(h.all) - 1
	h.all[i] = h.all[last]
	h.index[h.all[i]] = i
	h.all[last] = nil
	h.all = h.all[:last]
	delete(h.index, p)
}

// pings sends the Engine.IO heartbeat, spread over its interval.
func (h *hub) pings() {
	const slices = 100
	ping := h.newShared([]byte("2"))
	for n := 0; ; n = (n + 1) % slices {
		time.Sleep(25 * time.Second / slices)
		h.mu.RLock()
		for i := n; i < len(h.all); i += slices {
			h.all[i].share(ping)
		}
		h.mu.RUnlock()
		if h.uncork != nil {
			h.uncork()
		}
	}
}

func (h *hub) newShared(msg []byte) *shared {
	s := &shared{text: bytes.Clone(msg)}
	s.wire = appendServerFrame(nil, s.text)
	if h.prepare != nil {
		h.prepare(s)
	}
	return s
}

// handle serves one message; msg is good only during the call.
func (h *hub) handle(p peer, msg []byte) {
	if len(msg) < 2 || msg[0] != '4' {
		return // pong
	}
	switch msg[1] {
	case '0':
		h.join(p)
	case '2':
		h.event(p, msg[2:], msg)
	}
}

var (
	evEcho  = []byte(`["echo",`)
	evCast  = []byte(`["broadcast",`)
	evJoin  = []byte(`["join","`)
	evRoom  = []byte(`["room","`)
	scratch = sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }}
)

func (h *hub) event(p peer, b, msg []byte) {
	id := 0
	for id < len(b) && b[id] >= '0' && b[id] <= '9' {
		id++
	}
	ack, args := b[:id], b[id:]
	switch {
	case bytes.HasPrefix(args, evEcho):
		buf := scratch.Get().(*[]byte)
		out := append((*buf)[:0], "43"...)
		out = append(out, ack...)
		out = append(out, '[')
		out = append(out, args[len(evEcho):]...)
		p.write(out)
		*buf = out
		scratch.Put(buf)
	case bytes.HasPrefix(args, evCast):
		s := h.newShared(msg)
		h.mu.RLock()
		h.deliver(h.all, s)
		h.mu.RUnlock()
	case bytes.HasPrefix(args, evJoin):
		room, _, _ := bytes.Cut(args[len(evJoin):], []byte{'"'})
		h.mu.Lock()
		h.rooms[string(room)] = append(h.rooms[string(room)], p)
		h.mu.Unlock()
		p.write(fmt.Appendf(nil, "43%s[]", ack))
	case bytes.HasPrefix(args, evRoom):
		room, rest, _ := bytes.Cut(args[len(evRoom):], []byte(`",`))
		out := append([]byte(`42["room",`), rest...)
		s := h.newShared(out)
		h.mu.RLock()
		h.deliver(h.rooms[string(room)], s)
		h.mu.RUnlock()
	}
}

// appendServerFrame appends msg as one unmasked text frame.
func appendServerFrame(dst, msg []byte) []byte {
	switch n := len(msg); {
	case n < 126:
		dst = append(dst, 0x81, byte(n))
	case n < 1<<16:
		dst = append(dst, 0x81, 126, byte(n>>8), byte(n))
	default:
		dst = append(dst, 0x81, 127, 0, 0, 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(dst, msg...)
}
