package socketio_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// Without a cluster, what addresses other nodes says that there are none.
func TestNoCluster(t *testing.T) {
	io := socketio.New(quiet())
	defer io.Close()
	ns := io.Of("/x")
	_, withAck := ns.ServerSideEmitWithAck(context.Background(), "x")
	for what, err := range map[string]error{
		"ServerSideEmit": ns.ServerSideEmit("x", 1), "of the server": io.ServerSideEmit("x"), "with ack": withAck,
		"OnServerSide": ns.OnServerSide("x", func(context.Context, *socketio.Request) error { return nil }),
	} {
		if !errors.Is(err, socketio.ErrNoCluster) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := ns.ServerSideEmit("connect"); !errors.Is(err, socketio.ErrReservedEvent) {
		t.Errorf("a reserved name: %v", err)
	}
}

func sessionOf(io *socketio.Server, s *socketio.Socket) *engineio.Session {
	session, _ := io.Engine().Session(s.Conn().ID())
	return session
}

// A RemoteSocket of this node is the socket; Conns are equal for the namespaces
// of one client, and differ for others.
func TestRemoteSocketAndConn(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := echoServer(quiet())
		io.Of("/chat")
		srv := socketiotest.Serve(t, io)
		c, other := srv.Connect(o), srv.Connect(o)
		d := c.Join("/chat", nil)
		s, _ := io.Of("/").Socket(c.ID())
		s2, _ := io.Of("/chat").Socket(d.ID())
		s3, _ := io.Of("/").Socket(other.ID())
		if s.Conn() != s2.Conn() || s.Conn() == s3.Conn() || s.Conn().ID() == "" || socketio.ConnOf(sessionOf(io, s)) != s.Conn() {
			t.Error("the connections below are not told apart")
		}
		all, err := io.In(c.ID()).FetchSockets(context.Background())
		if err != nil || len(all) != 1 {
			t.Fatalf("%d sockets, %v", len(all), err)
		}
		r := all[0]
		if local, ok := r.Local(); !ok || local != s || r.ID() != c.ID() || r.Handshake().URL() != s.Handshake().URL() {
			t.Error("it is another")
		}
		if err := r.Join("room"); err != nil || len(r.Rooms()) != 2 {
			t.Errorf("joined: %v, %v", r.Rooms(), err)
		}
		r.Leave("room")
		s.Set("k", 1)
		if err := r.Emit("hello"); err != nil || len(r.Rooms()) != 1 || r.Data()["k"] != 1 {
			t.Errorf("emit: %v; rooms %v, data %v", err, r.Rooms(), r.Data())
		}
		c.Next("hello")
		r.Disconnect(false)
		c.Disconnected()
		s2.Conn().Close("transport close")
		if why := d.Disconnected(); why != "transport close" {
			t.Errorf("the other namespace: %s", why)
		}
		synctest.Wait()
		alive(t, other)
		if _, ok := (socketio.RemoteSocket{}).Local(); ok {
			t.Error("the zero RemoteSocket is a socket")
		}
	})
}
