//go:build unix

package postgres

import (
	"sync"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
)

// What every backend must do.
func TestSuite(t *testing.T) {
	adaptertest.Run(t, func(t *testing.T) adaptertest.Cluster {
		s, prefix := newServer(t)
		const queue = 200_000
		var mu sync.Mutex
		relays := map[adapter.Adapter]*relay{}
		at := func(a adapter.Adapter) *relay {
			mu.Lock()
			defer mu.Unlock()
			return relays[a]
		}
		return adaptertest.Cluster{
			Adapter: func() adapter.Adapter {
				r := newRelay(t, s.addr)
				a, err := New(Options{URL: "postgres://tester@" + r.addr + "/postgres?sslmode=disable", Prefix: prefix, QueueBytes: queue})
				if err != nil {
					t.Fatal(err)
				}
				mu.Lock()
				defer mu.Unlock()
				relays[a] = r
				return a
			},
			Stop:  s.kill,
			Start: func() { s.start(t) },
			Cut: func(a adapter.Adapter) {
				at(a).refuse(true)
				at(a).cut()
			},
			Mend: func(a adapter.Adapter) { at(a).refuse(false) },
			Inject: func(ns string, raw []byte) {
				if text, ok := storable(raw); ok {
					s.do(t, "SELECT pg_notify($1, $2)", prefix+"#"+ns, text)
					return
				}
				row := s.do(t, "INSERT INTO socket_io_attachments (payload) VALUES (decode($1, 'hex')) RETURNING id", hexOf(raw))
				s.do(t, "SELECT pg_notify($1, $2)", prefix+"#"+ns, `{"uid":"cccccccccccccccc","type":3,"attachmentId":"`+row[0]+`"}`)
			},
			Garbage: [][]byte{
				[]byte(`{"uid":"cccccccccccccccc","type":3,"attachmentId":"999999999"}`), []byte(`{"uid":"cccccccccccccccc","attachmentId":"-1"}`),
				[]byte(`{"uid":"cccccccccccccccc","attachmentId":"1; DROP TABLE socket_io_attachments"}`), []byte(`{"uid":"cccccccccccccccc","attachmentId":1e99}`),
				[]byte(`{"uid":"cccccccccccccccc","type":3,"attachmentId":{}}`), []byte(`{"uid":1,"type":3,"attachmentId":"1"}`), []byte(`{"attachmentId":"1"`),
			},
			QueueBytes: queue,
		}
	})
}
