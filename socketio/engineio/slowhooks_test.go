package engineio

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/id"
)

// What the application's functions take is none of the client's time: they run
// before its heartbeat begins, or beside its reader.
func TestSlowHooks(t *testing.T) {
	const long = time.Hour
	for name, set := range map[string]func(o *Options){
		"AllowRequest": func(o *Options) { o.AllowRequest = func(*http.Request) error { time.Sleep(long); return nil } },
		"GenerateID": func(o *Options) {
			o.GenerateID = func(*http.Request) (string, error) { time.Sleep(long); return id.New(), nil }
		},
		"OnInitialHeaders": func(o *Options) { o.OnInitialHeaders = func(http.Header, *http.Request) { time.Sleep(long) } },
		"Opened":           func(o *Options) { o.Trace = &Trace{Opened: func(*Session) { time.Sleep(long) }} },
		"Upgraded":         func(o *Options) { o.Trace = &Trace{Upgraded: func(*Session) { time.Sleep(long) }} },
		"Delivered":        func(o *Options) { o.Trace = &Trace{Delivered: func(*Session, int) { time.Sleep(long) }} },
	} {
		t.Run(name, func(t *testing.T) {
			o := quiet()
			set(o)
			inMemory(t, o, func(t *testing.T, r *rig) {
				q, e := r.open(4)
				s := r.webSocket(strings.Replace(q, "polling", "websocket", 1))
				s.send("2probe")
				want(t, "probe", s.read(), "3probe")
				s.send("5")
				for range 3 {
					want(t, "ping", s.read(), "2")
					s.send("3")
					s.send("4x")
					want(t, "echo", s.read(), "4x")
				}
				if e.s.Closed() {
					t.Error("the upgraded session was ended")
				}
				e.s.CloseNow(ForcedClose, nil) // nobody answers its pings while the next one opens
				direct, d := r.openWebSocket(4)
				direct.send("4x")
				want(t, "echo", direct.read(), "4x")
				d.s.CloseNow(ForcedClose, nil)
				time.Sleep(5 * long) // the functions return
			})
		})
	}
}
