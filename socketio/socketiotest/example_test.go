package socketiotest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

const (
	Say    socketio.Event[string]        = "chat message"
	Rename socketio.Call[string, string] = "rename"
)

// Register is the application under test.
func Register(ns *socketio.Namespace) {
	Say.On(ns, func(_ context.Context, s *socketio.Socket, line string) error { return Say.Emit(s.Broadcast(), line) })
	Rename.On(ns, func(_ context.Context, s *socketio.Socket, name string) (string, error) {
		if name == "" {
			return "", socketio.Errorf("empty_name", "pick a name")
		}
		return "you are " + name, nil
	})
}

// docs:five
func TestRename(t *testing.T) {
	srv := socketio.New(nil)
	Register(srv.Of("/"))
	c := socketiotest.Connect(t, srv)
	if answer, err := socketiotest.Ask(c, Rename, "Ann"); err != nil || answer != "you are Ann" {
		t.Error(answer, err)
	}
}

// docs:end

// docs:two
func TestSay(t *testing.T) {
	srv := socketio.New(nil)
	Register(srv.Of("/"))
	server := socketiotest.Serve(t, srv)
	ann, bob := server.Connect(nil), server.Connect(&socketiotest.Options{Transport: socketiotest.Polling})
	if err := Say.Emit(ann, "hello"); err != nil {
		t.Fatal(err)
	}
	if line := socketiotest.Next(bob, Say); line != "hello" {
		t.Errorf("Bob hears %q", line)
	}
}

// docs:end

// With fake time what takes 45 seconds is tested in no time.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := socketio.New(nil)
		c := socketiotest.Connect(t, srv)
		c.StopPongs()
		time.Sleep(46 * time.Second)
		if srv.SocketCount() != 0 {
			t.Error("the silent client is still there")
		}
	})
}
