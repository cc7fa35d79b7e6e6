package engineio

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestOriginRules(t *testing.T) {
	list := OriginList("https://a.example", "https://*.b.example", "http://localhost:*", "http://c.example:8080", "http://D.example:80")
	for _, c := range []struct {
		rule   OriginRule
		origin string
		host   string
		tls    bool
		want   bool
	}{
		{SameOrigin, "http://host.example", "host.example", false, true},
		{SameOrigin, "https://host.example", "host.example", false, true}, // TLS ends at a proxy
		{SameOrigin, "https://host.example", "host.example", true, true},
		{SameOrigin, "http://host.example", "host.example", true, false},
		{SameOrigin, "http://HOST.example", "Host.Example", false, true},
		{SameOrigin, "http://host.example:80", "host.example", false, true},
		{SameOrigin, "https://host.example", "host.example:443", true, true},
		{SameOrigin, "http://host.example:3000", "host.example:3000", false, true},
		{SameOrigin, "http://host.example:3001", "host.example:3000", false, false},
		{SameOrigin, "http://host.example", "host.example:3000", false, false},
		{SameOrigin, "http://[::1]:3000", "[::1]:3000", false, true},
		{SameOrigin, "http://evil.example", "host.example", false, false},
		{SameOrigin, "http://host.example.evil.example", "host.example", false, false},
		{SameOrigin, "http://evil-host.example", "host.example", false, false},
		{SameOrigin, "null", "host.example", false, false},
		{SameOrigin, "null", "null", false, false},
		{SameOrigin, "file://", "host.example", false, false},
		{SameOrigin, "://host.example", "host.example", false, false},
		{SameOrigin, "ftp://host.example", "host.example", false, false},
		{SameOrigin, "http://user@host.example", "host.example", false, false},
		{SameOrigin, "http://host.example/", "host.example", false, true},
		{SameOrigin, "ws://host.example/chat", "host.example", false, true},
		{SameOrigin, "wss://host.example", "host.example:443", true, true},
		{SameOrigin, "ws://host.example", "host.example", true, false},
		{SameOrigin, "http://evil.example/host.example", "host.example", false, false},
		{SameOrigin, "http://host.example\\.evil.example", "host.example", false, false},
		{SameOrigin, "http://host.example, http://evil.example", "host.example", false, false},
		{SameOrigin, "//host.example", "host.example", false, false},
		{AnyOrigin, "null", "host.example", false, true},
		{list, "https://a.example", "h", false, true},
		{list, "https://A.example:443", "h", false, true},
		{list, "http://a.example", "h", false, false},
		{list, "https://a.example:8443", "h", false, false},
		{list, "https://x.b.example", "h", false, true},
		{list, "https://x.y.b.example", "h", false, true},
		{list, "https://b.example", "h", false, false},
		{list, "https://.b.example", "h", false, false},
		{list, "https://evilb.example", "h", false, false},
		{list, "http://localhost:1234", "h", false, true},
		{list, "http://localhost", "h", false, true},
		{list, "http://localhost.evil:1234", "h", false, false},
		{list, "http://c.example:8080", "h", false, true},
		{list, "http://d.example", "h", false, true},
		{list, "null", "h", false, false},
		{list, "wss://a.example/", "h", false, true},
		{list, "ws://localhost:1234", "h", false, true},
		{list, "http://h", "h", false, false},
		{OriginList("self", "http://localhost:5173/"), "http://h", "h", false, true},
		{OriginList("self", "http://localhost:5173/"), "ws://localhost:5173", "h", false, true},
		{OriginList("self", "http://localhost:5173/"), "http://evil.example", "h", false, false},
		{OriginList("capacitor://localhost", "file://"), "capacitor://localhost", "h", false, true},
		{OriginList("capacitor://localhost", "file://"), "file://", "h", false, true},
		{OriginList("capacitor://localhost", "file://"), "capacitor://evil", "h", false, false},
		{OriginList("null"), "null", "h", false, true},
		{OriginList("*"), "http://x.example", "h", false, true},
		{OriginPattern(regexp.MustCompile(`^https://\w+\.e\.example$`)), "https://x.e.example", "h", false, true},
	} {
		r := &http.Request{Host: c.host}
		if c.tls {
			r.TLS = new(tls.ConnectionState)
		}
		if got := c.rule.AllowOrigin(c.origin, r); got != c.want {
			t.Errorf("%q at %q (TLS %v): %v", c.origin, c.host, c.tls, got)
		}
	}
	for _, o := range []string{"a.example", "https://", "https://a.example/x", "https://a.*.example", "https://a.example:x", ""} {
		func() {
			defer func() {
				if v := fmt.Sprint(recover()); !strings.Contains(v, "capacitor://localhost") || !strings.Contains(v, "ionic://localhost") || !strings.Contains(v, "Electron") {
					t.Errorf("OriginList(%q): %s", o, v)
				}
			}()
			OriginList(o)
		}()
	}
}

// CVE-2019-13611, and cross-site WebSocket hijacking as a class: who may not
// connect may not on any transport, nor use a session that exists.
func TestOriginOnEveryTransport(t *testing.T) {
	var log bytes.Buffer
	o := quiet()
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	inMemory(t, o, func(t *testing.T, r *rig) {
		evil := []string{"Origin", "http://evil.example"}
		guess := "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA"
		for _, c := range []struct{ method, query string }{
			{"GET", "EIO=4&transport=polling"}, {"GET", guess}, {"POST", guess}, {"OPTIONS", "EIO=4&transport=polling"},
		} {
			status, body, h := r.request(c.method, c.query, "", evil...)
			if status != 403 || !strings.HasPrefix(body, `{"code":4,"message":"Forbidden`) || !strings.Contains(body, "Origins") {
				t.Errorf("%s %s: %d %s", c.method, c.query, status, body)
			}
			want(t, "its page may read that", h.Get("Access-Control-Allow-Origin")+h.Get("Access-Control-Allow-Credentials"), "http://evil.example")
		}
		for _, query := range []string{"EIO=4&transport=websocket", strings.Replace(guess, "polling", "websocket", 1)} {
			s, res := r.tryWebSocket(query, evil...)
			if s != nil || res.StatusCode != 403 {
				t.Fatalf("%s: a websocket", query)
			}
			body, _ := io.ReadAll(res.Body)
			if !strings.Contains(string(body), `{"code":4,`) || !strings.Contains(string(body), "Origins") {
				t.Errorf("%s", body)
			}
		}
		if s := r.webSocket("EIO=4&transport=websocket", "Origin", "http://host.example"); !strings.HasPrefix(s.read(), "0{") {
			t.Error("the same origin may not connect")
		}
		// The text of a client does not break the log's lines, nor fill it.
		r.request("GET", "EIO=4&transport=polling", "", "Origin", "http://evil.example/"+strings.Repeat("é", 2000))
	})
	if s := log.String(); !strings.Contains(s, "evil.example") || !strings.Contains(s, "Origins") || len(s) > 8000 {
		t.Errorf("log: %.3000s", s)
	}
}

func TestCORS(t *testing.T) {
	o := quiet()
	o.Origins = AnyOrigin
	trusted := regexp.MustCompile(`\.trusted\.example$`)
	o.CORS = &CORS{
		Origins: OriginFunc(func(origin string, _ *http.Request) bool {
			return origin == "http://allowed.example" || trusted.MatchString(origin)
		}),
		Credentials: true, Methods: []string{"GET", "POST"}, Headers: []string{"x-custom", "content-type"}, MaxAge: 600 * time.Second,
	}
	inMemory(t, o, func(t *testing.T, r *rig) {
		for origin, allowed := range map[string]string{
			"http://allowed.example": "http://allowed.example", "https://a.trusted.example": "https://a.trusted.example", "http://evil.example": "",
		} {
			for _, query := range []string{"EIO=4&transport=polling", "EIO=4&transport=nonsense", "EIO=4&transport=polling&sid=x"} {
				status, _, h := r.request("GET", query, "", "Origin", origin)
				reads, credentials := allowed, "true"
				if allowed == "" && status != 200 { // it may read why, and no more
					reads, credentials = origin, ""
				}
				want(t, query, h.Get("Access-Control-Allow-Origin"), reads)
				want(t, "credentials", h.Get("Access-Control-Allow-Credentials"), credentials)
				want(t, "vary", h.Get("Vary"), "Origin")
			}
			status, body, h := r.request("OPTIONS", "EIO=4&transport=polling", "", "Origin", origin, "Access-Control-Request-Method", "POST")
			want(t, "preflight", fmt.Sprint(status, body), "204")
			want(t, "origin", h.Get("Access-Control-Allow-Origin"), allowed)
			want(t, "methods", h.Get("Access-Control-Allow-Methods"), "GET,POST")
			want(t, "headers", h.Get("Access-Control-Allow-Headers"), "x-custom,content-type")
			want(t, "age", h.Get("Access-Control-Max-Age"), "600")
		}
	})
	o = quiet()
	o.Origins = OriginList("http://a.example")
	o.CORS = &CORS{ExposedHeaders: []string{"x-a", "x-b"}, Origins: AnyOrigin}
	inMemory(t, o, func(t *testing.T, r *rig) {
		_, _, h := r.request("GET", "EIO=4&transport=polling", "", "Origin", "http://a.example")
		want(t, "origin", h.Get("Access-Control-Allow-Origin"), "http://a.example")
		want(t, "exposed", h.Get("Access-Control-Expose-Headers"), "x-a,x-b")
		status, _, h := r.request("GET", "EIO=4&transport=polling", "", "Origin", "http://b.example")
		want(t, "who may not connect may read that", fmt.Sprint(status, h.Get("Access-Control-Allow-Origin")), "403http://b.example")
		_, _, h = r.request("OPTIONS", "", "", "Origin", "http://a.example", "Access-Control-Request-Headers", "x-q")
		want(t, "headers", h.Get("Access-Control-Allow-Headers"), "x-q")
		want(t, "methods", h.Get("Access-Control-Allow-Methods"), "GET,HEAD,PUT,PATCH,POST,DELETE")
	})
	o = quiet()
	o.Origins, o.CORS = AnyOrigin, new(CORS)
	inMemory(t, o, func(t *testing.T, r *rig) {
		_, _, h := r.request("GET", "EIO=4&transport=polling", "", "Origin", "http://a.example")
		want(t, "origin", h.Get("Access-Control-Allow-Origin"), "*")
	})
}

func TestCookieAndHooks(t *testing.T) {
	o := quiet()
	o.Cookie = &http.Cookie{Name: "io", HttpOnly: true}
	o.OnInitialHeaders = func(h http.Header, _ *http.Request) { h.Add("Set-Cookie", "2=2; Path=/") }
	o.OnHeaders = func(h http.Header, r *http.Request) { h.Set("X-Test", r.Method) }
	var errs []*ConnectionError
	o.OnConnectionError = func(e *ConnectionError) { errs = append(errs, e) }
	o.AllowRequest = func(r *http.Request) error {
		switch r.URL.Query().Get("deny") {
		case "":
			return nil
		case "panic":
			panic("oh")
		}
		return errors.New("not today")
	}
	o.Middleware = []func(http.Handler) http.Handler{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Middleware", "yes")
			next.ServeHTTP(w, r)
		})
	}}
	inMemory(t, o, func(t *testing.T, r *rig) {
		_, _, h := r.request("GET", "EIO=4&transport=polling", "")
		e := <-r.opened
		want(t, "cookies", strings.Join(h["Set-Cookie"], "|"), "io="+e.s.ID()+"; Path=/; HttpOnly; SameSite=Lax|2=2; Path=/")
		want(t, "headers", h.Get("X-Test")+h.Get("X-Middleware"), "GETyes")
		_, _, h = r.request("POST", "EIO=4&transport=polling&sid="+e.s.ID(), "4x")
		want(t, "later", h.Get("X-Test")+h.Get("X-Middleware")+h.Get("Set-Cookie"), "POSTyes")
		s := r.webSocket("EIO=4&transport=websocket")
		want(t, "websocket", s.header.Get("X-Test")+s.header.Get("X-Middleware"), "GETyes")
		if len(s.header["Set-Cookie"]) != 2 {
			t.Errorf("cookies %v", s.header["Set-Cookie"])
		}
		status, body, h := r.request("GET", "EIO=4&transport=polling&deny=1", "")
		want(t, "denied", fmt.Sprint(status, " ", body), `403 {"code":4,"message":"Forbidden"}`)
		want(t, "headers", h.Get("X-Test"), "GET")
		if ws, res := r.tryWebSocket("EIO=4&transport=websocket&deny=panic"); ws != nil || res.StatusCode != 403 {
			t.Error("a panic lets in")
		}
		if len(errs) != 2 || errs[0].Code != Forbidden || errs[0].Context["message"] != "not today" || errs[0].Request.Method != "GET" {
			t.Errorf("%+v", errs)
		}
		if n := r.srv.Stats().Panics; n != 1 {
			t.Errorf("%d panics", n)
		}
	})
}

// A panic in any function of the application ends there.
func TestPanics(t *testing.T) {
	var panics atomic.Int32
	o := quiet()
	o.Trace = &Trace{
		Panicked: func(string, any, []byte) { panics.Add(1); panic("and here") },
		Opened:   func(*Session) { panic("opened") },
		Refused:  func(*ConnectionError) { panic("refused") },
	}
	o.OnHeaders = func(http.Header, *http.Request) { panic("headers") }
	o.Origins = OriginFunc(func(string, *http.Request) bool { panic("origin") })
	o.OnConnectionError = func(*ConnectionError) { panic("error") }
	synctest.Test(t, func(t *testing.T) {
		n := 0
		r := memoryRig(t, o, func(s *Session) Receiver {
			if n++; n == 3 {
				panic("accept")
			}
			return panicky{}
		})
		s := r.webSocket("EIO=4&transport=websocket")
		s.read()
		s.send("4x")
		want(t, "receive", s.read(), "close 1011")
		_, body, _ := r.request("GET", "EIO=4&transport=polling", "")
		want(t, "receive", r.post("EIO=4&transport=polling&sid="+body[9:29], "4x"), bad)
		status, _, _ := r.request("GET", "EIO=4&transport=polling", "")
		want(t, "accept", fmt.Sprint(status), "403")
		status, _, _ = r.request("GET", "EIO=4&transport=polling", "", "Origin", "http://host.example")
		want(t, "origin", fmt.Sprint(status), "403")
		synctest.Wait()
		if n := panics.Load(); n < 8 || r.srv.Stats().Panics < uint64(n) {
			t.Errorf("%d panics, %d counted", n, r.srv.Stats().Panics)
		}
	})
}

type panicky struct{}

func (panicky) Receive([]byte, bool) { panic("receive") }
func (panicky) Served()              { panic("served") }
func (panicky) Closed(Reason, error) { panic("closed") }

func TestHTTPCompression(t *testing.T) {
	inMemory(t, quiet(), func(t *testing.T, r *rig) {
		q, e := r.open(4)
		body := "4" + strings.Repeat("abc", 1000)
		for accept, name := range map[string]string{"gzip, deflate, br": "gzip", "deflate": "deflate", "br": "", "": "", "gzip;q=0, *": "deflate", "gzip;q=0": ""} {
			r.post(q, body)
			_, got, h := r.request("GET", q, "", "Accept-Encoding", accept)
			want(t, accept, h.Get("Content-Encoding"), name)
			var plain []byte
			switch name {
			case "gzip":
				z, err := gzip.NewReader(strings.NewReader(got))
				if err != nil {
					t.Fatal(err)
				}
				plain, _ = io.ReadAll(z)
			case "deflate":
				z, err := zlib.NewReader(strings.NewReader(got))
				if err != nil {
					t.Fatal(err)
				}
				plain, _ = io.ReadAll(z)
			default:
				plain = []byte(got)
			}
			want(t, accept, string(plain), body)
		}
		r.post(q, "4short")
		_, _, h := r.request("GET", q, "", "Accept-Encoding", "gzip")
		want(t, "below the threshold", h.Get("Content-Encoding"), "")
		_ = e.s.Send(text(body), NoCompress)
		_, _, h = r.request("GET", q, "", "Accept-Encoding", "gzip")
		want(t, "not to be compressed", h.Get("Content-Encoding"), "")
	})
}

func TestJSONP(t *testing.T) {
	o := quiet()
	o.JSONP = true
	inMemory(t, o, func(t *testing.T, r *rig) {
		_, body, h := r.request("GET", "EIO=3&transport=polling&j=7&b64=1", "")
		e := <-r.opened
		q := "EIO=3&transport=polling&b64=1&j=8&sid=" + e.s.ID()
		if !strings.HasPrefix(body, `___eio[7]("`) || !strings.HasSuffix(body, `");`) {
			t.Errorf("%s", body)
		}
		want(t, "type", h.Get("Content-Type")+h.Get("X-Content-Type-Options"), "text/javascript; charset=UTF-8nosniff")
		status, answer, _ := r.request("POST", q, `d=13%3A4a%5C%5Cnb%5Cnc%E2%80%A8%3C%2F%26`+"%0A4%0A", "Content-Type", "application/x-www-form-urlencoded")
		want(t, "post", fmt.Sprint(status, answer), `400{"code":3,"message":"Bad request"}`) // the length is wrong
		r.request("GET", "EIO=3&transport=polling&j=7&b64=1", "")
		e = <-r.opened
		q = "EIO=3&transport=polling&b64=1&j=8&sid=" + e.s.ID()
		status, answer, _ = r.request("POST", q, "d=10%3A4a%5C%5Cnb%5Cnc%E2%80%A8%3C%2F", "Content-Type", "application/x-www-form-urlencoded")
		want(t, "post", fmt.Sprint(status, answer), "200ok")
		_, body, _ = r.request("GET", q, "")
		want(t, "escaped", body, `___eio[8]("10:4a\\nb\nc\u2028\u003c/");`)
		for _, j := range []string{"abc", "1;alert(1)", "1&j=2", ""} {
			status, body, _ := r.request("GET", "EIO=3&transport=polling&j="+j, "")
			if status == 200 && (j != "" || strings.Contains(body, "___eio")) {
				t.Errorf("j=%s: %s", j, body)
			}
		}
	})
	inMemory(t, quiet(), func(t *testing.T, r *rig) {
		_, body, h := r.request("GET", "EIO=3&transport=polling&j=7", "")
		if strings.Contains(body, "___eio") || strings.Contains(h.Get("Content-Type"), "javascript") {
			t.Error("JSONP is on by default")
		}
	})
}

func TestHandshakeData(t *testing.T) {
	o := quiet()
	o.ClientIPHeader, o.TrustedProxies = "X-Forwarded-For", []string{"127.0.0.0/8", "10.0.0.1"}
	_ = o
	type key struct{}
	o.Middleware = []func(http.Handler) http.Handler{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(contextWith(r.Context(), key{}, "user")))
		})
	}}
	r := tcpRig(t, o, nil)
	r.request("GET", "EIO=4&transport=polling&a=b&a=c", "", "Cookie", "x=y", "Origin", "http://host.example", "X-Forwarded-For", "1.2.3.4, 10.0.0.1")
	e := <-r.opened
	h := e.s.Handshake()
	want(t, "url", h.URL(), "/engine.io/?EIO=4&transport=polling&a=b&a=c")
	want(t, "query", fmt.Sprint(h.Query()["a"]), "[b c]")
	want(t, "header", h.Header().Get("Cookie")+h.Header().Get("Host")+h.HeaderValue("Cookie"), "x=yhost.examplex=y")
	want(t, "address", h.RemoteAddr(), "1.2.3.4")
	if !h.XDomain() || h.Secure() || time.Since(h.Time()) > time.Minute || h.Context().Value(key{}) != "user" || h.Context().Done() != nil {
		t.Errorf("%+v", h)
	}
}
