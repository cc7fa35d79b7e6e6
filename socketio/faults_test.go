package socketio_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio"
)

// fault is one step of a connection's life at which it breaks.
type fault struct {
	step string
	// play takes a client up to the step and returns the connection that breaks.
	// What it returns besides, if anything, shows that the session goes on.
	play func(g *ground) (broken *wire, goesOn func())
	// The reasons with which the session and its socket end: one, or several
	// that are right, as it depends on what arrives first; "" is that there is
	// none. (A polling session of which nobody is left to speak ends by its
	// heartbeat: see TestHalfOpenPeers; here by the server's Close.)
	session, socket string
}

const (
	lost      = "transport close"
	failed    = "transport error"
	shut      = "server shutting down"
	forced    = "forced server close"
	byServer  = "server namespace disconnect"
	byClient  = "client namespace disconnect"
	lostOrNot = "|" + lost + "|" + shut // it may have begun when the server is closed
	unheard   = shut + "|" + failed
)

// The fault matrix. Whatever the step, and whether the connection ends or is
// reset: the reason is the one of the reference server, the books balance,
// nothing is left behind, and another client is served as before.
func TestFaults(t *testing.T) {
	table := slices.Concat(handshakeFaults(), upgradeFaults(), closeFaults())
	cases := 0
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			strike(t, way, table[0], true) // so that all is open that stays so
			before := descriptors(t)
			for _, f := range table {
				for _, reset := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s/%s", f.step, map[bool]string{false: "FIN", true: "RST"}[reset]), func(t *testing.T) {
						strike(t, way, f, reset)
					})
					cases++
				}
			}
			eventually(t, "the descriptors are back", func() bool { return descriptors(t) <= before })
		})
	}
	t.Logf("%d steps, %d cases", len(table), cases)
}

// strike plays one case.
func strike(t *testing.T, way string, f fault, reset bool) {
	g := newGround(t, way, &socketio.Options{Logger: slog.New(slog.DiscardHandler)})
	neighbour := g.webSocket()
	neighbour.ask("before")
	broken, goesOn := f.play(g)
	if reset {
		broken.rst()
	} else {
		broken.fin()
	}
	if goesOn != nil {
		goesOn()
	}
	neighbour.ask("after")
	ends := func(reasons string) bool { // by itself, and for sure
		list := strings.Split(reasons, "|")
		return !slices.Contains(list, "") && !slices.Contains(list, shut)
	}
	if ends(f.session) {
		eventually(t, "the session ends", func() bool { return g.io.Stats().Engine.Sessions == 1 })
	}
	if ends(f.socket) {
		eventually(t, "the socket ends", func() bool { return g.io.Stats().Sockets == 1 })
	}
	// The neighbour is the first to go, so that what its end counts is known.
	neighbour.text("41")
	eventually(t, "the neighbour leaves", func() bool { return g.io.Stats().Disconnected[socketio.ClientNamespaceDisconnect] > 0 })
	neighbour.put("\x88\x80abcd")
	if _, err := neighbour.read(); err != nil {
		t.Errorf("the neighbour's goodbye was not answered: %v", err)
	}
	_ = neighbour.Close()
	eventually(t, "the neighbour's session ends", func() bool { return g.io.Stats().Engine.Closed[lost] > 0 })
	g.end(broken)

	st := g.io.Stats()
	closed := map[string]uint64{}
	for reason, n := range st.Engine.Closed {
		closed[string(reason)] += n
	}
	closed[lost]-- // the neighbour
	checkReason(t, "session", f.session, closed)
	disconnected := map[string]uint64{}
	for reason, n := range st.Disconnected {
		disconnected[string(reason)] += n
	}
	disconnected[byClient]--
	checkReason(t, "socket", f.socket, disconnected)
	checkBooks(t, st)
}

// checkReason compares the one thing that ended with what was expected.
func checkReason(t *testing.T, what, want string, got map[string]uint64) {
	t.Helper()
	ended := []string{}
	for reason, n := range got {
		for range n {
			ended = append(ended, reason)
		}
	}
	switch allowed := strings.Split(want, "|"); {
	case len(ended) == 0 && slices.Contains(allowed, ""):
	case len(ended) == 1 && slices.Contains(allowed, ended[0]):
	default:
		t.Errorf("the %s ended with %q, want %q", what, ended, want)
	}
}

// checkBooks balances the counters of a server that is closed.
func checkBooks(t *testing.T, st socketio.Stats) {
	t.Helper()
	var closed, ended uint64
	for _, n := range st.Engine.Closed {
		closed += n
	}
	for _, n := range st.Disconnected {
		ended += n
	}
	e := st.Engine
	if e.Sessions != 0 || st.Sockets != 0 || closed != e.Opened || ended != st.Connected || st.Panics+e.Panics != 0 {
		t.Errorf("%d sessions and %d sockets are left; %d of %d sessions closed, %d of %d sockets; %d panics",
			e.Sessions, st.Sockets, closed, e.Opened, ended, st.Connected, st.Panics+e.Panics)
	}
	if e.MessagesOut != e.Delivered+e.Abandoned {
		t.Errorf("%d messages accepted, %d delivered, %d abandoned", e.MessagesOut, e.Delivered, e.Abandoned)
	}
}

// descriptors counts what this process has open.
func descriptors(t *testing.T) int {
	if runtime.GOOS != "linux" {
		return 0
	}
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// cutAfter are steps at which only a part of s was sent.
func cutAfter(name, s string, play func(g *ground) *wire, rest fault) []fault {
	var list []fault
	firstLine := strings.Index(s, "\r\n")
	for _, n := range []int{1, 10, firstLine, firstLine + 2, len(s) - 5, len(s) - 1} {
		f := rest
		f.step = fmt.Sprintf("%s, %d of %d bytes", name, n, len(s))
		f.play = func(g *ground) (*wire, func()) {
			w := play(g)
			w.put(s[:n])
			return w, nil
		}
		list = append(list, f)
	}
	return list
}

// The same while the server shuts down: it waits for nobody who has gone.
func TestFaultsDuringShutdown(t *testing.T) {
	for _, way := range ways {
		for _, reset := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/reset %v", way, reset), func(t *testing.T) {
				g := newGround(t, way, &socketio.Options{Logger: slog.New(slog.DiscardHandler)})
				neighbour, slow, parked := g.webSocket(), g.webSocket(), g.poller().join()
				slow.text(`42["flood"]`)
				g.flooded()
				parked.park()
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				done := make(chan error, 1)
				go func() { done <- g.io.Shutdown(ctx) }()
				eventually(t, "the sockets end", func() bool { return g.io.Stats().Disconnected[socketio.ServerShuttingDown] == 3 })
				for _, w := range []*wire{slow, parked.wire} {
					if reset {
						w.rst()
					} else {
						w.fin()
					}
				}
				slow.rst() // half closed, it could still take what waits for it
				neighbour.until("close")
				_ = neighbour.Close()
				if err := <-done; err != nil {
					t.Errorf("Shutdown: %v", err)
				}
				g.end(parked.wire)
				st := g.io.Stats()
				checkBooks(t, st)
				if n := st.Disconnected[socketio.ServerShuttingDown]; n != st.Connected {
					t.Errorf("the sockets ended with %v", st.Disconnected)
				}
			})
		}
	}
}
