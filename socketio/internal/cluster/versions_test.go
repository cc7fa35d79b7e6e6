package cluster

import (
	"testing"
	"testing/synctest"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// Nodes of another version, as their hellos tell, are nodes: what both versions
// have is carried out and counted, and what this one has not is refused alone.
func TestTwoVersions(t *testing.T) {
	within(t, adapter.Traits{}, func(t *testing.T, c *Core, a *silent, h *host) {
		for v, id := range map[int]string{0: "0000000000000000", version: "1111111111111111", 7: "7777777777777777"} {
			h.handled = nil
			var row uint64 = 1 << rowBits
			said := func(m adapter.Message) {
				m.From, m.NS = id, "/"
				if m.To == "" && m.Kind != adapter.Hello {
					row++
					m.Seq = row
				}
				a.in.Message(&m)
			}
			said(adapter.Message{Kind: adapter.Hello, Node: &adapter.Node{ID: id, Name: "other", Version: v}, Positions: []adapter.Position{{NS: "/", Seq: row}}})
			said(adapter.Message{Kind: adapter.Broadcast})
			why := "newer" // or it has not told
			if v == version {
				why = "kind"
			}
			refused := c.Stats().Refused[why]
			said(adapter.Message{Kind: 200})
			said(adapter.Message{Kind: adapter.Join})
			if got := c.Stats().Refused[why] - refused; got != 1 {
				t.Errorf("version %d: %d messages of unknown kinds are counted as %s", v, got, why)
			}
			if len(h.handled) != 2 || h.handled[0].Kind != adapter.Broadcast || h.handled[1].Kind != adapter.Join {
				t.Errorf("version %d: carried out are %+v", v, h.handled)
			}
			if h.missed() != 0 {
				t.Errorf("version %d: %d are counted as missed", v, h.missed())
			}
		}
		if n := c.Nodes(); n != 4 {
			t.Errorf("%d nodes", n)
		}
		synctest.Wait()
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, m := range a.sent {
			if m.Node != nil && m.Node.Version != version {
				t.Errorf("it says that its version is %d", m.Node.Version)
			}
		}
	})
}
