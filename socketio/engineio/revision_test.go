package engineio

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// sayThree are the ways to say revision 3, of which the first three are those
// of clients that are about: Swift's up to 15 say nothing.
var sayThree = []string{"", "EIO=&", "EIO=2&", "EIO=3&", "EIO=3&EIO=3&", "EIO=5&", "EIO=04&", "EIO=4.0&", "EIO=%zz&", "EIO&", "eio=4&"}

// A client that does not say EIO=4 speaks revision 3, on every transport and all
// its life, where that is let in.
func TestRevisionThatIsNotSaid(t *testing.T) {
	for _, say := range sayThree {
		everywhere(t, quiet, func(t *testing.T, r *rig) {
			open := func(transport string) (string, *echo) {
				_, body, _ := r.request("GET", say+"b64=1&transport="+transport, "")
				if !strings.Contains(body, `:0{"sid":"`) {
					t.Fatalf("%q: %s", say, body)
				}
				e := <-r.opened
				if e.s.Protocol() != 3 {
					t.Errorf("%q: revision %d", say, e.s.Protocol())
				}
				return say + "b64=1&transport=polling&sid=" + e.s.ID(), e
			}
			q, e := open("polling&transport=polling")
			want(t, "ping", r.post(q, "1:2"), "200 ok")
			want(t, "pong", r.get(q), "200 1:3")
			want(t, "post", r.post(q, "6:4hello10:b4AQIDBA=="), "200 ok")
			want(t, "echo", r.get(q+"&sid="+e.s.ID()), "200 6:4hello10:b4AQIDBA==")
			for _, other := range []string{"EIO=4&", "EIO=4&EIO=3&"} {
				want(t, "as "+other, r.get(strings.Replace(q, say, other, 1)), bad)
			}
			s := r.webSocket(strings.Replace(q, "polling", "websocket", 1))
			s.send("2probe")
			want(t, "probe", s.read(), "3probe")
			s.send("5")
			s.send("4over")
			want(t, "over websocket", s.read(), "4over")
			s.send("2")
			want(t, "pong", s.read(), "3")
			s.send("1")
			want(t, "reason", string(e.end(t)), "transport close")

			s = r.webSocket(say + "transport=websocket")
			if f := s.read(); !strings.HasPrefix(f, `0{"sid":"`) {
				t.Errorf("%q: %s", say, f)
			}
			e = <-r.opened
			want(t, "revision", fmt.Sprint(e.s.Protocol()), "3")
			e.s.CloseNow(ForcedClose, nil)
		})
	}
	inMemory(t, brisk(), func(t *testing.T, r *rig) {
		begin := time.Now()
		r.get("transport=polling")
		e := <-r.opened
		<-e.closed
		want(t, "silent", fmt.Sprint(e.reason, time.Since(begin).Round(10*time.Millisecond)), "ping timeout500ms")
	})
}

// Where revision 3 is not let in, none of these is.
func TestRevisionThatIsNotLetIn(t *testing.T) {
	inMemory(t, new(Options), func(t *testing.T, r *rig) {
		for _, say := range sayThree {
			want(t, say, r.get(say+"transport=polling"), `400 {"code":5,"message":"Unsupported protocol version"}`)
		}
		q, e := r.open(4)
		for _, say := range sayThree {
			want(t, say, r.get(strings.Replace(q, "EIO=4&", say, 1)), bad)
		}
		want(t, "twice the same", r.post("EIO=4&"+q+"&transport=polling", "4x"), "200 ok")
		want(t, "echo", r.get("EIO=4&"+q+"&sid="+e.s.ID()), "200 4x")
		e.s.CloseNow(ForcedClose, nil)
	})
}
