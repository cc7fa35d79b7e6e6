package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// TestOfFuncIsAskedForEveryClient: that one was let in opens the namespace to
// nobody else.
func TestOfFuncIsAskedForEveryClient(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := socketio.New(quiet())
		io.OfFunc(func(_ context.Context, name string, h *socketio.Handshake) bool {
			tenant, ok := strings.CutPrefix(name, "/tenant/")
			return ok && h.Auth()["tenant"] == tenant
		})
		s := socketiotest.Serve(t, io)
		s.Connect(o).Join("/tenant/a", map[string]string{"tenant": "a"})
		_, err := s.Connect(o).TryJoin("/tenant/a", map[string]string{"tenant": "b"})
		var refused *socketiotest.ConnectError
		if !errors.As(err, &refused) || refused.Message != "Invalid namespace" {
			t.Errorf("the second client got %v, want Invalid namespace", err)
		}
	})
}

// TestManyNamespacesAtOnce: a client may ask for the next namespace while the
// first is being joined.
func TestManyNamespacesAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := socketio.New(quiet())
		io.OfPattern(regexp.MustCompile(`^/n\d+$`))
		c := socketiotest.Serve(t, io).Connect(o)
		var joins sync.WaitGroup
		for i := range 50 {
			joins.Go(func() {
				if _, err := c.TryJoin(fmt.Sprintf("/n%d", i), nil); err != nil {
					t.Error(err)
				}
			})
		}
		joins.Wait()
		if got := io.SocketCount(); got != 51 {
			t.Errorf("%d sockets, want 51", got)
		}
	})
}

// hook is called when it is about to be sent.
type hook func()

func (h hook) MarshalJSON() ([]byte, error) {
	h()
	return []byte("1"), nil
}

// A client that is told that it was refused may ask for another namespace at
// once: there is room for it, as the one that was made for it alone has gone.
func TestRefusedNamespaceHasGone(t *testing.T) {
	io := socketio.New(quiet())
	told := 0
	ns := io.OfPattern(regexp.MustCompile(`^/n\d+$`))
	ns.Use(func(context.Context, *socketio.Socket) error {
		if n := io.Stats().Namespaces; n != 2 {
			t.Errorf("%d namespaces while one is asked for", n)
		}
		return &socketio.Error{Message: "no", Data: hook(func() {
			told++
			if n := io.Stats().Namespaces; n != 1 {
				t.Errorf("%d namespaces when the client is told", n)
			}
		})}
	})
	c := socketiotest.Serve(t, io).Connect(nil)
	if _, err := c.TryJoin("/n1", nil); err == nil {
		t.Error("it was let in")
	}
	if told == 0 {
		t.Error("nobody was told")
	}
}
