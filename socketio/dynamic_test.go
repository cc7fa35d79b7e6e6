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
