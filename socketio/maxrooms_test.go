package socketio_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// A socket is in no more rooms than it may be, in a middleware too; the bound is
// counted, and the log says whose it is.
func TestMaxRooms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		io := socketio.New(&socketio.Options{Limits: socketio.Limits{MaxRooms: 2}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		io.Use(func(_ context.Context, s *socketio.Socket) error {
			if err := s.Join("x", "y", "z"); !errors.Is(err, socketio.ErrTooManyRooms) || len(s.Rooms()) != 2 {
				t.Errorf("before it is let in: %v, %v", err, s.Rooms())
			}
			s.Leave("x", "y")
			return nil
		})
		io.OnConnect(func(_ context.Context, s *socketio.Socket) {
			if err := s.Join("x", "y", "z"); !errors.Is(err, socketio.ErrTooManyRooms) {
				t.Errorf("error %v, want ErrTooManyRooms", err)
			}
			if s.InRoom("z") || !s.InRoom("y") || len(s.Rooms()) != 3 { // one is named like its id
				t.Errorf("rooms %v", s.Rooms())
			}
			if err := s.Join("y", "x"); err != nil {
				t.Errorf("rooms it is in already: %v", err)
			}
		})
		socketiotest.Serve(t, io).Connect(nil)
		synctest.Wait()
		if n := io.Stats().Bounds["MaxRooms"]; n != 2 {
			t.Errorf("the bound is counted %d times", n)
		}
		if text := log.String(); !strings.Contains(text, `msg="socketio: limit reached" option=MaxRooms namespace="\"/\"" client=`) {
			t.Errorf("the log does not say who: %s", text)
		}
	})
}
