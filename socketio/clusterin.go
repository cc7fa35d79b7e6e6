package socketio

import (
	"context"
	"errors"
	"slices"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

var (
	errNoList       = errors.New("socketio: not a list of values")
	errNoAttachment = errors.New("socketio: attachments are missing")
)

// Wants implements cluster.Host.
func (c *clustered) Wants(name, room string) bool {
	ns := c.srv.known(name)
	if ns == nil {
		return false
	}
	if ns.recovery != nil { // somebody who is away may come back for it
		return true
	}
	return room == "" && ns.index.Len() > 0 || room != "" && ns.index.RoomLen(room) > 0
}

// Gather implements cluster.Host.
func (c *clustered) Gather(more bool) { c.srv.engine.Hold(more) }

// Handle implements cluster.Host: it carries out what another node says. No code
// of the user's runs in it.
func (c *clustered) Handle(m *adapter.Message) {
	ns := c.srv.known(m.NS)
	if ns == nil {
		c.nobody(m)
		return
	}
	b := Broadcast{ns: ns, rooms: m.Rooms, except: m.Except}
	if m.Flags.Volatile {
		b.flags |= engineio.Volatile
	}
	if m.Flags.NoCompress {
		b.flags |= engineio.NoCompress
	}
	switch m.Kind {
	case adapter.Broadcast:
		if m.Request != "" {
			c.ask(ns, &b, m)
		} else {
			c.deliver(ns, &b, m)
		}
	case adapter.Join:
		for _, s := range b.appendTo(nil, ns) {
			ev, err := s.enterRooms(m.Names)
			c.tell(ev)
			if err == ErrTooManyRooms {
				c.later(func() { s.bound(BoundMaxRooms) })
			}
		}
	case adapter.Leave:
		for _, s := range b.appendTo(nil, ns) {
			c.tell(s.leaveRooms(m.Names))
		}
	case adapter.Disconnect:
		for _, s := range b.appendTo(nil, ns) {
			s.disconnect(m.Close, c.tell)
		}
	case adapter.Fetch:
		c.answer(m, adapter.FetchAnswer, c.describe(ns, b.appendTo(nil, ns)))
	case adapter.IDs:
		var ids []any
		for _, s := range b.appendTo(nil, ns) {
			ids = append(ids, s.id)
		}
		c.answer(m, adapter.IDsAnswer, ids)
	case adapter.Rooms:
		var names []any
		for room := range ns.everyRoom() {
			names = append(names, room)
		}
		c.answer(m, adapter.RoomsAnswer, names)
	case adapter.Has:
		c.reply(m, &adapter.Message{Kind: adapter.HasAnswer, Count: 1 + len(b.appendTo(nil, ns))})
	case adapter.ServerSide:
		c.serverSide(ns, m)
	}
}

// nobody answers a question about a namespace that is not here.
func (c *clustered) nobody(m *adapter.Message) {
	switch m.Kind {
	case adapter.Broadcast:
		if m.Request != "" {
			c.reply(m, &adapter.Message{Kind: adapter.ClientCount})
		}
	case adapter.Fetch:
		c.answer(m, adapter.FetchAnswer, nil)
	case adapter.IDs:
		c.answer(m, adapter.IDsAnswer, nil)
	case adapter.Rooms:
		c.answer(m, adapter.RoomsAnswer, nil)
	case adapter.Has:
		c.reply(m, &adapter.Message{Kind: adapter.HasAnswer})
	case adapter.ServerSide:
		// Who asks all nodes waits for this one too. Where the broker counts those
		// that have the namespace, nobody waits, and the format has no such word.
		if m.Request != "" && !c.core.Traits().Mixed {
			c.reply(m, &adapter.Message{Kind: adapter.HasAnswer})
		}
	}
}

// tell has OnRoom called.
func (c *clustered) tell(ev *roomEvents) {
	if ev != nil {
		c.later(ev.Run)
	}
}

// later has user code called, of which there is too much if it cannot be.
func (c *clustered) later(f func()) {
	if !c.turn.add(f) {
		c.srv.log.Warn("socketio: code for the cluster is too slow: a hook was not called", "waiting", maxErrands)
	}
}

func (c *clustered) reply(to, a *adapter.Message) {
	if err := c.core.Answer(to, a, true); err != nil {
		c.srv.log.Warn("socketio: question of the cluster not answered", "kind", to.Kind.String(), "error", err)
	}
}

func (c *clustered) answer(to *adapter.Message, k adapter.Kind, values []any) {
	d, err := c.list(values)
	if err != nil {
		c.srv.log.Warn("socketio: question of the cluster not answered", "kind", to.Kind.String(), "error", err)
		return
	}
	c.reply(to, &adapter.Message{Kind: k, Data: d})
}

// deliver gives an event of another node to the sockets here.
func (c *clustered) deliver(ns *Namespace, b *Broadcast, m *adapter.Message) {
	rec := ns.recovery
	if rec == nil && len(m.Rooms) == 1 && ns.index.RoomLen(m.Rooms[0]) == 0 {
		return
	}
	e, event, p, err := c.incoming(c.dec, ns, m)
	if err != nil {
		c.core.Refuse("packet")
		return
	}
	if rec != nil { // which keeps them
		b.rooms, b.except = slices.Clone(b.rooms), slices.Clone(b.except)
	}
	r := receiverLists.Get().(*receivers)
	defer r.free()
	b.send(r, ns, event, e, m)
	if len(ns.reg.load().outgoing) > 0 {
		c.tellOutgoing(r.list, p)
	}
}

// incoming makes of another node's event what clients here are sent, and the
// packet that it was.
func (c *clustered) incoming(dec siowire.Decoder, ns *Namespace, m *adapter.Message) (e *siowire.Encoded, event string, p *packetOf, err error) {
	of, err := packet(dec, siowire.Event, ns.name, nil, m.Data)
	if err != nil {
		return nil, "", nil, err
	}
	p = &of
	rec := ns.recovery
	if rec != nil {
		p.withOffset(rec.marker)
	}
	if c.sliced {
		return &p.Encoded, p.Event, p, nil
	}
	again, err := c.srv.packet(&siowire.Outgoing{Type: siowire.Event, Namespace: ns.name, Event: p.Event, Args: rec.withOffset(p.values())}, 4)
	return &again, p.Event, p, err
}

// tellOutgoing tells the listeners of OnAnyOutgoing of an event that came from
// another node.
func (c *clustered) tellOutgoing(list []*Socket, p *packetOf) {
	event, values := p.Event, p.values()
	list = append([]*Socket(nil), list...)
	c.later(func() {
		args := make([]any, len(values))
		for i, v := range values {
			if err := v.(Raw).Decode(&args[i]); err != nil {
				args[i] = v
			}
		}
		for _, s := range list {
			s.outgoing(event, args)
		}
	})
}

// ask gives an event of another node to the sockets here and sends their
// acknowledgements back, after how many there will be.
func (c *clustered) ask(ns *Namespace, b *Broadcast, m *adapter.Message) {
	id := ns.ackIDs.Add(1) - 1
	p, err := packet(c.dec, siowire.Event, ns.name, &id, m.Data)
	if err != nil {
		c.core.Refuse("packet")
		c.reply(m, &adapter.Message{Kind: adapter.ClientCount})
		return
	}
	e := &p.Encoded
	if !c.sliced {
		again, err := c.srv.packet(&siowire.Outgoing{Type: siowire.Event, Namespace: ns.name, Event: p.Event, Args: p.values(), ID: id, HasID: true}, 4)
		if err != nil {
			c.core.Refuse("packet")
			c.reply(m, &adapter.Message{Kind: adapter.ClientCount})
			return
		}
		e = &again
	}
	wait := m.Flags.Timeout
	if wait == 0 {
		wait = c.srv.opts.AckTimeout
	}
	back := &envoy{c: c, to: adapter.Message{From: m.From, NS: m.NS, Request: m.Request}}
	list := b.appendTo(nil, ns)
	c.reply(m, &adapter.Message{Kind: adapter.ClientCount, Count: len(list)})
	msg := message(*e)
	c.srv.engine.FromElsewhere(msg)
	var failed []unsent
	for _, s := range list {
		err := s.expect(id, back)
		if err == nil {
			if wait > 0 {
				s.waits().Limit(id, wait, ErrAckTimeout)
			}
			if err = s.sess.Send(msg, b.flags); err != nil {
				_ = s.waits().Forget(id) // it counts as missing
			} else {
				s.told.Add(1)
			}
		}
		if err != nil {
			failed = append(failed, unsent{s, err})
		}
	}
	c.srv.account(list, p.Event, msg.Size(), failed)
	c.srv.traceBroadcast(ns, p.Event, len(list)-len(failed))
	if len(ns.reg.load().outgoing) > 0 {
		c.tellOutgoing(list, &p)
	}
}

// envoy is the acker of clients whom another node has asked.
type envoy struct {
	c  *clustered
	to adapter.Message // the question
}

func (v *envoy) Answered(a Ack, err error) {
	if err != nil {
		return // it is missed there
	}
	values := make([]any, 0, a.Len())
	for _, r := range a.args.All() {
		values = append(values, r)
	}
	d, err := v.c.list(values)
	if err == nil {
		err = v.c.core.Answer(&v.to, &adapter.Message{Kind: adapter.ClientAck, Data: d}, false)
	}
	if err != nil {
		v.c.srv.log.Warn("socketio: acknowledgement not sent to the node that waits for it", "error", err)
	}
}

// everyRoom iterates over the rooms that have members here, those named by a
// socket's own id too, as Node tells them.
func (ns *Namespace) everyRoom() map[string]bool {
	set := make(map[string]bool)
	for _, s := range ns.index.All() {
		for _, room := range s.Rooms() {
			set[room] = true
		}
	}
	return set
}

// serverSide calls the functions of OnServerSide, in order with all that was
// said by the others.
func (c *clustered) serverSide(ns *Namespace, m *adapter.Message) {
	p, err := packet(c.dec, siowire.Event, "/", nil, m.Data)
	if err != nil {
		c.core.Refuse("packet")
		return
	}
	if p.Event == handSession {
		var text string
		for _, r := range p.Args.All() {
			_ = r.Decode(&text) // what is none is refused
		}
		c.takeOver(ns, m, text)
		return
	}
	if p.Event == askSession && m.To != "" && m.Request != "" {
		var asked []string
		for _, r := range p.Args.All() {
			if len(asked) == mostGathered {
				break
			}
			var text string
			_ = r.Decode(&text) // what is none is unknown
			asked = append(asked, text)
		}
		from := adapter.Message{From: m.From, NS: m.NS, Request: m.Request}
		c.srv.engine.Go(runner(func() { c.surrender(asked, from) }))
		return
	}
	if len(ns.reg.load().serverSide[p.Event]) == 0 {
		return
	}
	r := &Request{event: p.Event, args: p.Args, from: &asker{c: c, ns: ns, to: adapter.Message{From: m.From, NS: m.NS, Request: m.Request}}}
	c.later(func() {
		ctx := context.Background()
		for _, f := range ns.reg.load().serverSide[r.event] {
			if err := c.srv.try("OnServerSide", func() error { return f(ctx, r) }); err != nil {
				c.srv.stats.errors.Add(1)
				c.srv.log.Error("socketio: server-side event failed", "namespace", ns.name, "event", clip.Text(r.event), "error", err)
			}
		}
	})
}

// asker is the node that has sent a server-side event. It waits for the answer if
// the event has a Request.
type asker struct {
	c  *clustered
	ns *Namespace
	to adapter.Message
}

func (a *asker) answer(_ uint64, args []any) (encoded bool, err error) {
	d, err := a.c.list(args)
	if err != nil {
		return false, err
	}
	return true, a.c.core.Answer(&a.to, &adapter.Message{Kind: adapter.ServerSideAnswer, Data: d}, true)
}
