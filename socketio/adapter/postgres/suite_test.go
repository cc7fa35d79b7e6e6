//go:build unix

package postgres

import (
	"encoding/hex"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
)

// What every backend must do.
func TestSuite(t *testing.T) {
	adaptertest.Run(t, func(t *testing.T) adaptertest.Cluster {
		s, prefix := newServer(t)
		const queue = 200_000
		var mu sync.Mutex
		relays := map[adapter.Adapter]*adaptertest.Relay{}
		at := func(a adapter.Adapter) *adaptertest.Relay {
			mu.Lock()
			defer mu.Unlock()
			return relays[a]
		}
		return adaptertest.Cluster{
			Adapter: func() adapter.Adapter {
				r := adaptertest.NewRelay(t, s.addr)
				a, err := New(Options{URL: "postgres://tester@" + r.Addr + "/postgres?sslmode=disable", Prefix: prefix, QueueBytes: queue})
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
				at(a).Refuse(true)
				at(a).Cut()
			},
			Mend: func(a adapter.Adapter) { at(a).Refuse(false) },
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

// storable reports whether bytes can be a notification, and hexOf is what they
// are for a row otherwise.
func storable(raw []byte) (string, bool) {
	text := string(raw)
	return text, len(text) <= room && utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

func hexOf(raw []byte) string { return hex.EncodeToString(raw) }
