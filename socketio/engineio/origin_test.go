package engineio

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// A page behind a proxy that rewrites Host: what the browser knows and what a
// trusted proxy says make it the server's own; what anybody else says does not.
func TestPagesBehindProxies(t *testing.T) {
	const page = "https://app.example:8443"
	for name, c := range map[string]struct {
		trusted string // "" is the address that asks
		header  []string
		want    bool
	}{
		"Host alone":                               {"", nil, false},
		"Sec-Fetch-Site: same-origin":              {"none", []string{"Sec-Fetch-Site", "same-origin"}, true},
		"Sec-Fetch-Site: same-site":                {"none", []string{"Sec-Fetch-Site", "same-site"}, false},
		"Sec-Fetch-Site: cross-site":               {"", []string{"Sec-Fetch-Site", "cross-site", "X-Forwarded-Host", "app.example:8443"}, false},
		"Sec-Fetch-Site twice":                     {"none", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"}, false},
		"Sec-Fetch-Site in a list":                 {"none", []string{"Sec-Fetch-Site", "same-origin, cross-site"}, false},
		"Sec-Fetch-Site in capitals":               {"none", []string{"Sec-Fetch-Site", "SAME-ORIGIN"}, false},
		"X-Forwarded-Host":                         {"", []string{"X-Forwarded-Host", "app.example:8443"}, true},
		"X-Forwarded-Host in capitals":             {"", []string{"X-Forwarded-Host", "APP.example:8443"}, true},
		"X-Forwarded-Host of whoever":              {"none", []string{"X-Forwarded-Host", "app.example:8443"}, false},
		"X-Forwarded-Host without port":            {"", []string{"X-Forwarded-Host", "app.example"}, false},
		"X-Forwarded-Host and X-Forwarded-Port":    {"", []string{"X-Forwarded-Host", "app.example", "X-Forwarded-Port", "8443"}, true},
		"X-Forwarded-Port of another":              {"", []string{"X-Forwarded-Host", "app.example", "X-Forwarded-Port", "443"}, false},
		"X-Forwarded-Port that is none":            {"", []string{"X-Forwarded-Host", "app.example", "X-Forwarded-Port", "8443/"}, false},
		"X-Forwarded-Host, two hops, one trusted":  {"", []string{"X-Forwarded-For", "203.0.113.7", "X-Forwarded-Host", "app.example:8443, inner"}, false},
		"X-Forwarded-Host, two hops, two trusted":  {"", []string{"X-Forwarded-For", "203.0.113.7, 10.0.0.2", "X-Forwarded-Host", "app.example:8443, inner"}, true},
		"X-Forwarded-Host, lines":                  {"", []string{"X-Forwarded-For", "203.0.113.7", "X-Forwarded-For", "10.0.0.2", "X-Forwarded-Host", "app.example:8443", "X-Forwarded-Host", "inner"}, true},
		"X-Forwarded-Host, the client's own first": {"", []string{"X-Forwarded-For", "10.0.0.2, 203.0.113.7", "X-Forwarded-Host", "app.example:8443, other.example"}, false},
		"Forwarded":                         {"", []string{"Forwarded", `for=203.0.113.7;host="app.example:8443";proto=https`}, true},
		"Forwarded of whoever":              {"none", []string{"Forwarded", `host="app.example:8443"`}, false},
		"Forwarded, the client's own first": {"", []string{"Forwarded", `host="app.example:8443", for=203.0.113.7;host=other.example`}, false},
		"Forwarded, a quote left open":      {"", []string{"Forwarded", `host="app.example:8443, for=203.0.113.7;host=other.example`}, false},
		"Forwarded, host twice":             {"", []string{"Forwarded", `host="app.example:8443";host=other.example`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := quiet()
			o.TrustedProxies = []string{"127.0.0.0/8", "::1", "10.0.0.0/8"}
			if c.trusted == "none" {
				o.TrustedProxies = []string{"10.0.0.0/8"}
			}
			r := tcpRig(t, o, nil)
			for _, method := range []string{"GET", "websocket"} {
				header := append([]string{"Origin", page}, c.header...)
				var status int
				if method == "websocket" {
					_, res := r.tryWebSocket("EIO=4&transport=websocket", header...)
					status = res.StatusCode
				} else {
					status, _, _ = r.requestRaw("EIO=4&transport=polling", header...)
				}
				if got := status == 200 || status == 101; got != c.want || !got && status != 403 {
					t.Errorf("%s: %d", method, status)
				}
			}
		})
	}
}

// What no rule may take for one's own page, whatever a header says besides.
func TestForeignPagesStayOut(t *testing.T) {
	inMemory(t, quiet(), func(t *testing.T, r *rig) {
		for _, header := range [][]string{
			{"Origin", "http://host.example", "Sec-Fetch-Site", "cross-site"}, // a proxy rewrote Origin, or Host
			{"Origin", "http://host.example", "Sec-Fetch-Site", "same-site"},
			{"Origin", "null", "Sec-Fetch-Site", "same-origin"},
			{"Origin", "null"},
			{"Origin", "http://host.example", "Origin", "http://evil.example"},
			{"Origin", "http://evil.example", "Origin", "http://host.example"},
			{"Origin", "http://host.example", "Origin", "http://host.example"},
			{"Origin", "http://evil.example", "X-Forwarded-Host", "evil.example"},
			{"Origin", "http://evil.example", "Forwarded", "host=evil.example"},
			{"Origin", "http://evil.example", "Sec-Fetch-Site", "none"},
		} {
			status, body, h := r.requestRaw("EIO=4&transport=polling", header...)
			if status != 403 || strings.Contains(body, "sid") || len(header) == 2 && h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%q: %d %s", header, status, body)
			}
			if _, res := r.tryWebSocket("EIO=4&transport=websocket", header...); res.StatusCode != 403 {
				t.Errorf("%q: a websocket: %d", header, res.StatusCode)
			}
		}
		if n := r.srv.Len(); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

// A page that knows the id of a live session is the one that was let in: it is
// not asked again what a proxy may have changed. A guess, or the id of one that
// has ended, is asked.
func TestSessionsAreNotAskedForTheirOrigin(t *testing.T) {
	inMemory(t, quiet(), func(t *testing.T, r *rig) {
		q, e := r.open(4)
		page := []string{"Origin", "http://page.example:8080"}
		status, body, h := r.request("POST", q, "4x", page...)
		want(t, "post", fmt.Sprint(status, body), "200ok")
		want(t, "no header", h.Get("Access-Control-Allow-Origin"), "")
		status, _, h = r.request("GET", q, "", page...)
		want(t, "poll", fmt.Sprint(status, h.Get("Access-Control-Allow-Origin")), "200")
		s := r.webSocket(strings.Replace(q, "polling", "websocket", 1), page...)
		s.send("2probe")
		want(t, "probe", s.read(), "3probe")
		s.send("5")
		s.send("4by websocket")
		want(t, "upgraded", s.read(), "4by websocket")
		e.s.Close(ForcedServerClose)
		s.read()
		for _, id := range []string{e.s.ID(), e.s.ID()[:19] + "!", strings.Repeat("A", 20), ""} {
			status, _, _ := r.request("POST", "EIO=4&transport=polling&sid="+id, "4x", page...)
			want(t, "id "+id, fmt.Sprint(status), "403")
		}
	})
}

// Where a foreign page may learn an id, by JSONP, it is asked each time; and
// CORS headers are never for a page that may not connect.
func TestSessionsAreAskedWhereTheirIDIsNoSecret(t *testing.T) {
	o := quiet()
	o.JSONP = true
	o.Origins = OriginList("self", "http://friend.example")
	inMemory(t, o, func(t *testing.T, r *rig) {
		q, _ := r.open(4)
		for origin, wants := range map[string]int{"http://evil.example": 403, "null": 403, "http://friend.example": 200, "http://host.example": 200} {
			status, _, _ := r.request("POST", q, "4x", "Origin", origin)
			want(t, origin, fmt.Sprint(status), fmt.Sprint(wants))
		}
	})
	o = quiet()
	o.Origins = OriginList("http://friend.example")
	o.CORS = &CORS{Origins: AnyOrigin, Credentials: true}
	inMemory(t, o, func(t *testing.T, r *rig) {
		q, _ := r.open(4)
		_, body, h := r.request("GET", "EIO=4&transport=polling", "", "Origin", "http://evil.example")
		if strings.Contains(body, "sid") || h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s %v", body, h)
		}
		_, _, h = r.request("POST", q, "4x", "Origin", "http://evil.example")
		want(t, "answers of a session are not for it", h.Get("Access-Control-Allow-Origin"), "")
	})
}

// Origins alone makes a page of another site work; CORS refines.
func TestOriginsAlone(t *testing.T) {
	o := quiet()
	o.Origins = OriginList("self", "https://app.example")
	inMemory(t, o, func(t *testing.T, r *rig) {
		status, _, h := r.request("GET", "EIO=4&transport=polling", "", "Origin", "https://app.example")
		want(t, "handshake", fmt.Sprint(status, h.Get("Access-Control-Allow-Origin"), h.Get("Access-Control-Allow-Credentials"), h.Get("Vary")), "200https://app.exampleOrigin")
		status, _, h = r.request("OPTIONS", "EIO=4&transport=polling", "", "Origin", "https://app.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization")
		want(t, "preflight", fmt.Sprint(status, h.Get("Access-Control-Allow-Origin"), h.Get("Access-Control-Allow-Headers")), "204https://app.exampleauthorization")
		status, _, h = r.request("OPTIONS", "EIO=4&transport=polling", "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
		want(t, "foreign preflight", fmt.Sprint(status, h.Get("Access-Control-Allow-Methods")), "403")
	})
	for name, origins := range map[string]OriginRule{"none": nil, "same origin": SameOrigin} {
		o = quiet()
		o.Origins = origins
		inMemory(t, o, func(t *testing.T, r *rig) {
			_, _, h := r.request("GET", "EIO=4&transport=polling", "", "Origin", "http://host.example")
			want(t, name, h.Get("Access-Control-Allow-Origin")+h.Get("Vary"), "")
		})
	}
}

// Every refusal is in the log with what to set, one line for each cause, and
// the page that is refused can read it.
func TestRefusalsAreTold(t *testing.T) {
	var log bytes.Buffer
	o := quiet()
	o.AllowEIO3 = false
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	o.Transports = []string{"polling", "websocket"}
	o.Hosts = Hosts{"host.example"}
	inMemory(t, o, func(t *testing.T, r *rig) {
		for query, hint := range map[string]string{
			"EIO=3&transport=polling":           "AllowEIO3",
			"EIO=4&transport=flashsocket":       "Transports",
			"EIO=4&transport=polling&sid=x":     "balancer",
			"EIO=4&transport=websocket":         "Upgrade",
			"EIO=4&transport=polling&origin=no": "--origins",
		} {
			header := []string{"Origin", "http://host.example"}
			if strings.Contains(query, "origin=no") {
				header[1] = "http://host.example:8080"
			}
			log.Reset()
			for range 50 {
				status, _, h := r.request("GET", query, "", header...)
				if status < 400 || h.Get("Access-Control-Allow-Origin") != header[1] {
					t.Errorf("%s: %d %v", query, status, h)
				}
			}
			if s := log.String(); strings.Count(s, "WARN") != 1 || !strings.Contains(s, hint) || len(s) > 1500 {
				t.Errorf("%s: %d bytes, no %s: %.1500s", query, len(s), hint, s)
			}
		}
	})
}

// The refusal of a page behind a proxy says which, and what to write there.
func TestRefusalsNameTheProxy(t *testing.T) {
	for name, c := range map[string]struct {
		host, origin string
		header       []string
		want         string
	}{
		"nginx":              {"backend", "http://page.example", []string{"Connection", "upgrade"}, "proxy_set_header Host $http_host;"},
		"nginx with $host":   {"localhost", "http://localhost:8080", nil, "$host has none"},
		"Apache":             {"backend", "http://page.example", []string{"X-Forwarded-Server", "a"}, "ProxyPreserveHost On"},
		"Vite":               {"localhost:3000", "http://localhost:5173", nil, "changeOrigin"},
		"not trusted":        {"backend", "http://page.example", []string{"X-Forwarded-Host", "page.example"}, "--trusted-proxies"},
		"not trusted either": {"backend", "http://page.example", []string{"Forwarded", `for=x;host="page.example"`}, "TrustedProxies"},
		"another site":       {"host.example", "http://evil.example", []string{"Sec-Fetch-Site", "cross-site"}, "of another site: add the origin to Origins"},
		"no origin":          {"host.example", "null", nil, "sandboxed"},
		"an app":             {"host.example", "capacitor://localhost", nil, "the page of an app"},
	} {
		r := &http.Request{Host: c.host, Header: http.Header{"Origin": {c.origin}}, RemoteAddr: "127.0.0.1:1"}
		for i := 0; i < len(c.header); i += 2 {
			r.Header.Set(c.header[i], c.header[i+1])
		}
		srv := New(quiet(), func(*Session) Receiver { return nil })
		no := srv.checkOrigin(r, nil)
		if no == nil || !strings.Contains(no.text, c.want) || strings.Contains(no.text, "backend") {
			t.Errorf("%s: %+v", name, no)
		}
		_ = srv.Close()
	}
}

// A zero http.Cookie is Node's: no page reads it.
func TestCookieDefaults(t *testing.T) {
	o := quiet()
	o.Cookie = new(http.Cookie)
	inMemory(t, o, func(t *testing.T, r *rig) {
		_, _, h := r.request("GET", "EIO=4&transport=polling", "")
		e := <-r.opened
		want(t, "cookie", h.Get("Set-Cookie"), "io="+e.s.ID()+"; Path=/; HttpOnly; SameSite=Lax")
	})
}

// requestRaw is a GET whose headers may come twice.
func (r *rig) requestRaw(query string, header ...string) (status int, body string, h http.Header) {
	r.t.Helper()
	req, err := http.NewRequest("GET", "http://host.example/engine.io/?"+query, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	res, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

// DNS rebinding: a page whose name leads here is of the same origin as what it
// asks for, on every transport and for a session that it has learned of.
func TestHosts(t *testing.T) {
	o := quiet()
	o.Hosts = Hosts{"host.example", "app.example"}
	o.TrustedProxies = []string{"127.0.0.1", "::1"}
	r := tcpRig(t, o, nil)
	q, _ := r.open(4)
	for _, c := range []struct {
		host, forwarded string
		want            bool
	}{
		{"host.example", "", true}, {"HOST.example:8080", "", true}, {"127.0.0.1", "", true}, {"localhost:3000", "", true}, {"backend", "app.example", true},
		{"evil.example", "", false}, {"evil.example:80", "", false}, {"host.example.evil.example", "", false}, {"backend", "evil.example", false}, {"evil.example", "evil.example", false},
	} {
		for _, query := range []string{"EIO=4&transport=polling", q} {
			method := "GET"
			if query == q {
				method = "POST"
			}
			req, err := http.NewRequest(method, "http://host.example/engine.io/?"+query, strings.NewReader(map[string]string{"POST": "4x"}[method]))
			if err != nil {
				t.Fatal(err)
			}
			req.Host = c.host
			req.Header.Set("Origin", "http://"+c.host)
			if c.forwarded != "" {
				req.Header.Set("X-Forwarded-Host", c.forwarded)
				req.Header.Set("Origin", "http://"+c.forwarded)
			}
			res, err := r.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if got := res.StatusCode == 200; got != c.want || !got && (res.StatusCode != 403 || !strings.Contains(string(body), "Hosts")) {
				t.Errorf("%s %s (%s): %d %s", method, c.host, c.forwarded, res.StatusCode, body)
			}
		}
	}
}
