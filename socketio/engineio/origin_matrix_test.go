package engineio

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// CVE-2019-13611, and cross-site WebSocket hijacking: the same origins may
// connect, poll, post and upgrade, by every way there is.
func TestCVE201913611OriginMatrix(t *testing.T) {
	origins := map[string]bool{
		"http://host.example": true, "https://host.example": true, "HTTP://HOST.example": true, "http://host.example:80": true, "https://host.example:443": true,
		"http://host.example:8080": false, "https://host.example:80": false, "http://evil.example": false, "https://evil.example": false, "null": false, "NULL": false,
		"file://": false, "http://": false, "host.example": false, "http://sub.host.example": false, "http://host.example.evil.example": false, "http://evilhost.example": false,
		"http://host.example.": false, "http://host.example@evil.example": false, "http://evil.example/host.example": false, "http://host.example/": true, "http://host.example/a/page": true, "http://evil.example/?http://host.example/": false, "http://evil.example\\@host.example": false,
		"chrome-extension://host.example": false, "ws://host.example": true, "wss://host.example/": true, "ws://evil.example": false, "http://host.example http://evil.example": false, "http://[::1]": false, "*": false,
	}
	tried := 0
	o := quiet()
	o.JSONP = true
	inMemory(t, o, func(t *testing.T, r *rig) {
		form := []string{"Content-Type", "application/x-www-form-urlencoded"}
		octets := []string{"Content-Type", "application/octet-stream"}
		for origin, allowed := range origins {
			for _, c := range []struct {
				method, query, body string
				header              []string
				eio                 int // of the session that is used; 0 is none
			}{
				{"GET", "EIO=4&transport=polling", "", nil, 0},
				{"GET", "EIO=3&transport=polling", "", nil, 0},
				{"GET", "EIO=3&transport=polling&j=0", "", nil, 0},
				{"websocket", "EIO=4&transport=websocket", "", nil, 0},
				{"websocket", "EIO=3&transport=websocket", "", nil, 0},
				{"GET", "", "", nil, 4},
				{"GET", "", "", nil, 3},
				{"GET", "&j=0", "", nil, 3},
				{"POST", "", "4x", nil, 4},
				{"POST", "", "2:4x", nil, 3},
				{"POST", "", "\x00\x02\xff4x", octets, 3},
				{"POST", "&j=0", "d=2:4x", form, 3},
				{"websocket", "", "", nil, 4},
				{"websocket", "", "", nil, 3},
			} {
				tried++
				query := c.query
				var e *echo
				if c.eio > 0 {
					var q string
					q, e = r.open(c.eio)
					_ = e.s.Send(text("waits"), 0) // so that a poll is answered
					query = q + query
				}
				n := r.srv.Len()
				var status int
				var h http.Header
				if c.method == "websocket" {
					_, res := r.tryWebSocket(strings.Replace(query, "polling", "websocket", 1), "Origin", origin)
					status, h = res.StatusCode, res.Header
				} else {
					status, _, h = r.request(c.method, query, c.body, append([]string{"Origin", origin}, c.header...)...)
				}
				if wants := status == 200 || status == 101; wants != allowed || !allowed && status != 403 {
					t.Errorf("%s %s from %s: %d", c.method, query, origin, status)
				}
				if allowed && c.eio == 0 {
					<-r.opened // which nobody wants
				}
				if !allowed && (r.srv.Len() != n || e != nil && e.s.Closed() || h.Get("Access-Control-Allow-Origin") != origin || h.Get("Access-Control-Allow-Credentials") != "") {
					t.Errorf("%s %s from %s has changed something", c.method, query, origin)
				}
			}
		}
	})
	t.Logf("hostile inputs: origins: %d", tried)
}

// What JSON a refusal is: an object of a code and a text, whatever was sent.
func TestRefusalsAreJSON(t *testing.T) {
	inMemory(t, quiet(), func(t *testing.T, r *rig) {
		for _, origin := range []string{`http://"}`, "http://\\", "http://</script>", "http://\u2028", "http://\xff\xfe"} {
			status, body, h := r.request("GET", "EIO=4&transport=polling", "", "Origin", origin)
			var answer struct {
				Code    int
				Message string
			}
			if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 403 || answer.Code != Forbidden || strings.Contains(body, "<") {
				t.Errorf("%q: %d %s %v", origin, status, body, err)
			}
			want(t, "type", h.Get("Content-Type")+" "+h.Get("X-Content-Type-Options"), "application/json nosniff")
		}
	})
}
