package redis

import (
	"context"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/nodewire"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

// classic is the form of @socket.io/redis-adapter's first adapter.
type classic struct {
	a        *Adapter
	channel  nodewire.Channels
	received nodewire.Reader
}

func newClassic(a *Adapter) form {
	return &classic{
		a: a, channel: nodewire.Channels{Prefix: a.o.Prefix},
		received: nodewire.Reader{Prefix: a.o.Prefix, Wants: a.base.In.Wants, MaxBytes: a.o.MaxMessage},
	}
}

func (f *classic) traits() adapter.Traits {
	return adapter.Traits{Name: "redis", Ordered: true, Mixed: true, AllRooms: true, OneValue: true, MaxMessage: f.a.base.Largest(), IDLen: 6}
}

// lane: all goes one way.
func (f *classic) lane(*adapter.Message) uint32 { return 0 }

func (f *classic) encode(it *outbox.Item, m *adapter.Message) (err error) {
	switch {
	case m.Kind.Answers():
		it.Dest = f.channel.Response(m.NS, m.To)
	case m.Kind == adapter.Broadcast && m.Request == "":
		it.Dest = f.channel.Broadcast(m)
	default:
		it.Dest = f.channel.Request(m.NS)
	}
	it.Data, err = nodewire.AppendClassic(it.Data, m)
	return err
}

func (f *classic) command(b []byte, it *outbox.Item) []byte { return appendPublish(b, it) }

func appendPublish(b []byte, it *outbox.Item) []byte {
	b = append(b, "*3\r\n$7\r\nPUBLISH\r\n"...)
	return appendArg(appendArg(b, it.Dest), it.Data)
}

func (f *classic) patterns() []string {
	if f.a.self.Deaf {
		return nil
	}
	return []string{f.channel.BroadcastPattern()}
}

func (f *classic) channels(ns string) []string {
	return []string{f.channel.Request(ns), f.channel.Response(ns, ""), f.channel.Response(ns, f.a.self.ID)}
}

func (f *classic) receive(channel string, payload []byte) (*adapter.Message, error) {
	f.received.Self = f.a.self.ID
	return f.received.Classic(channel, payload)
}

func (f *classic) open(context.Context, string) (*conn, error) { return nil, nil }
func (f *classic) read(*conn) error                            { return nil }
func (f *classic) keeps(*outbox.Item) bool                     { return false }
