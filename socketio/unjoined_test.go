package socketio_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// poller is a client that says what no client would, over polling.
type poller struct {
	t      *testing.T
	client *http.Client
	header http.Header
	url    string
}

func newPoller(t *testing.T, srv *socketiotest.Server) *poller {
	return newPollerFrom(t, srv, http.Header{})
}

func newPollerFrom(t *testing.T, srv *socketiotest.Server, h http.Header) *poller {
	p := &poller{t: t, client: srv.HTTP(), header: h, url: "http://host.example/socket.io/?EIO=4&transport=polling"}
	body := p.do(http.MethodGet, "")
	_, rest, ok := strings.Cut(body, `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("handshake: %s", body)
	}
	p.url += "&sid=" + sid
	return p
}

func (p *poller) do(method, body string) string {
	p.t.Helper()
	req, err := http.NewRequest(method, p.url, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header = p.header.Clone()
	res, err := p.client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(answer)
}

// gate is a middleware that lets nobody through before it is open.
type gate chan error

func (g gate) use(context.Context, *socketio.Socket) error { return <-g }

func gated(t *testing.T) (gate, *socketio.Server, *socketiotest.Server) {
	opts := quiet()
	opts.Engine.PingInterval = -1
	io := echoServer(opts)
	g := make(gate)
	io.Use(g.use)
	return g, io, socketiotest.Serve(t, io)
}

// CVE-2026-48804: attachments have their deadline, too, when they are announced
// before the namespace is joined.
func TestCVE202648804AnnouncedBeforeTheJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, io, srv := gated(t)
		p := newPoller(t, srv)
		if got := p.do("POST", "40\x1e451-[\"x\",{\"_placeholder\":true,\"num\":0}]"); got != "ok" {
			t.Fatal(got)
		}
		g <- nil
		if got := p.do("GET", ""); !strings.HasPrefix(got, `40{"sid":`) {
			t.Fatal(got)
		}
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if b := io.Stats().Bounds; b["AttachmentTimeout"] != 1 {
			t.Errorf("bounds %v", b)
		}
	})
}

// Pre-CONNECT idling: attachments that have come do not lift the time for
// joining a namespace, nor does a packet of MessagePack, which is binary.
func TestConnectTimeoutIsNotLifted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, io, srv := gated(t)
		p := newPoller(t, srv)
		if got := p.do("POST", "40\x1e451-[\"x\",{\"_placeholder\":true,\"num\":0}]\x1ebAAAA"); got != "ok" {
			t.Fatal(got)
		}
		g <- errors.New("no")
		if got := p.do("GET", ""); !strings.HasPrefix(got, "44") {
			t.Fatal(got)
		}
		time.Sleep(46 * time.Second)
		synctest.Wait()
		if b := io.Stats().Bounds; b["ConnectTimeout"] != 1 {
			t.Errorf("bounds %v", b)
		}
	})
}

// A connection that is lost while its socket is let in is counted once.
func TestUnjoinedAreCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := quiet()
		opts.Limits.MaxUnjoined = 1
		opts.Engine.PingInterval = -1
		io := echoServer(opts)
		entering, goOn := make(chan struct{}), make(chan struct{})
		io.Of("/").OnRoom(func(e socketio.RoomEvent) {
			if e.Kind == socketio.RoomJoined {
				entering <- struct{}{} // the client is told that it is in
				<-goOn
			}
		})
		srv := socketiotest.Serve(t, io)
		p := newPoller(t, srv)
		for range 3 {
			if got := p.do("POST", "40"); got != "ok" {
				t.Fatal(got)
			}
			<-entering
			if got := p.do("POST", "1"); got != "ok" {
				t.Fatal(got)
			}
			synctest.Wait()
			goOn <- struct{}{}
			synctest.Wait()
			p = newPoller(t, srv)
		}
		newPoller(t, srv)
		synctest.Wait()
		if b := io.Stats().Bounds; b["MaxUnjoined"] != 1 {
			t.Errorf("bounds %v", b)
		}
	})
}

// Whoever has left makes room by that, and is not counted as one who was put out,
// nor as one who idles: even while the server's own code is busy with it.
func TestWhoHasLeftDoesNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := quiet()
		opts.Limits.MaxUnjoined = 1
		opts.ConnectTimeout = time.Second
		opened, let := make(chan *engineio.Session), make(chan struct{})
		opts.Engine.Trace = &engineio.Trace{Opened: func(s *engineio.Session) {
			select {
			case opened <- s:
				<-let
			default:
			}
		}}
		io := echoServer(opts)
		srv := socketiotest.Serve(t, io)
		done := make(chan struct{})
		go func() {
			defer close(done)
			res, err := srv.HTTP().Get("http://host.example/socket.io/?EIO=4&transport=polling")
			if err == nil {
				_ = res.Body.Close()
			}
		}()
		s := <-opened
		s.CloseNow(engineio.TransportClose, nil)
		c := newPoller(t, srv)
		time.Sleep(2 * time.Second)
		close(let)
		<-done
		if b := io.Stats().Bounds; b["MaxUnjoined"] != 0 || b["ConnectTimeout"] != 1 {
			t.Errorf("bounds counted: %v; the second one alone idles", b)
		}
		c.do(http.MethodGet, "")
	})
}
