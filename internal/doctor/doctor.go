package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// Verdict is how a step went.
type Verdict string

// What a step may be. Only Bad is a failure.
const (
	Good Verdict = "ok"
	Warn Verdict = "warn"
	Bad  Verdict = "FAIL"
)

// Finding is what one step has found, Fix what to do about it.
type Finding struct {
	Step, Says, Fix string
	Is              Verdict
}

// Patient is what is examined.
type Patient struct {
	URL       string // of the server, such as https://host:port; its path, if any, is that of Socket.IO
	Origin    string // of the page that is to connect; "" is that of URL
	Namespace string // "" is "/"
}

const (
	patience = 8 * time.Second // for an answer
	farewell = 2 * time.Second // for the last one
	most     = 1 << 20         // bytes of one
)

// Examine tries one step after the other, tells found of each, and stops at the
// first that makes the rest meaningless. It reports whether none was Bad.
func Examine(ctx context.Context, p Patient, found func(Finding)) bool {
	e := &examination{ctx: ctx, client: &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, well: true}
	e.found = func(step string, is Verdict, fix, format string, args ...any) {
		e.well = e.well && is != Bad
		found(Finding{Step: step, Is: is, Says: fmt.Sprintf(format, args...), Fix: fix})
	}
	base, err := url.Parse(p.URL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		e.found("address", Bad, "", "%q is not an address: write it like https://host:port", p.URL)
		return false
	}
	if base.Path == "" || base.Path == "/" {
		base.Path = "/socket.io/"
	}
	base.RawQuery, base.Fragment = "", ""
	e.base, e.origin = base, p.Origin
	if e.origin == "" {
		e.origin = base.Scheme + "://" + base.Host
	}
	e.namespace = "/" + strings.TrimPrefix(p.Namespace, "/")
	if e.session() {
		e.webSocket()
		e.operator()
	}
	if e.sid != "" {
		e.leave()
	}
	return e.well
}

type examination struct {
	ctx               context.Context
	client            *http.Client
	base              *url.URL
	origin, namespace string
	sid               string
	found             func(step string, is Verdict, fix, format string, args ...any)
	well              bool
}

// refusal is how a server says no.
type refusal struct {
	Code    *int   `json:"code"`
	Message string `json:"message"`
}

// ask sends one request of the polling transport. The body is a POST's.
func (e *examination) ask(sid, body string) (int, string, error) {
	u := *e.base
	u.RawQuery = url.Values{"EIO": {"4"}, "transport": {"polling"}}.Encode()
	if sid != "" {
		u.RawQuery += "&sid=" + url.QueryEscape(sid)
	}
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	return e.request(method, u.String(), body)
}

func (e *examination) request(method, address, body string) (int, string, error) {
	r, err := http.NewRequestWithContext(e.ctx, method, address, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Origin", e.origin)
	r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	res, err := e.client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close() // opened for reading: nothing to lose
	text, err := io.ReadAll(io.LimitReader(res.Body, most))
	return res.StatusCode, string(text), err
}

const (
	listOrigin = "list the page: sockeye --origins %s, or Origins: engineio.OriginList(\"self\", %q) in a program of your own"
	keepHost   = "have the proxy keep the Host header (nginx: proxy_set_header Host $http_host)"
	sticky     = "have the balancer keep a client on one server, by a cookie or its address; or have Sockeye's nodes pass requests on: --cluster-advertise and --cluster-secret-file"
)

// recognise is what makes the server know the page.
func (e *examination) recognise() string {
	list := fmt.Sprintf(listOrigin, e.origin, e.origin)
	if e.origin == e.base.Scheme+"://"+e.base.Host {
		return keepHost + ", or " + list
	}
	return list
}

// session tries what every client begins with, and reports whether it is worth
// going on.
func (e *examination) session() bool {
	status, text, err := e.ask("", "")
	if err != nil {
		e.found("reach", Bad, "is it running, is the port right, does a firewall let it through?", "no answer: %v", err)
		return false
	}
	e.found("reach", Good, "", "%s answers", e.base.Host)
	var no refusal
	refused := json.Unmarshal([]byte(text), &no) == nil && no.Code != nil
	switch {
	case strings.HasPrefix(text, "0{"):
	case refused && *no.Code == 5:
		e.found("version", Bad, "take a newer server, or an older client", "%s", clip(no.Message))
		return false
	case status == http.StatusForbidden:
		e.found("origin", Bad, e.recognise(), "pages of %s are refused: %s", e.origin, clip(no.Message))
		return false
	case refused:
		e.found("session", Bad, "", "%s", clip(no.Message))
		return false
	case len(text) > 2 && strings.Contains(text[:min(len(text), 12)], ":0{"):
		e.found("version", Bad, "take socket.io-client 2.x, or a newer server", "it speaks Engine.IO 3, Socket.IO 2.x")
		return false
	default:
		e.found("path", Bad, "the path of client and server must be the same, and a proxy must pass it on", "%s answers %d, and is not Socket.IO", e.base.Path, status)
		return false
	}
	e.found("path", Good, "", "Engine.IO 4 is at %s", e.base.Path)
	var open struct {
		SID                       string
		PingInterval, PingTimeout int
	}
	if err := json.Unmarshal([]byte(text[1:]), &open); err != nil || open.SID == "" {
		e.found("session", Bad, "", "the handshake cannot be read")
		return false
	}
	e.sid = open.SID
	if !e.join() {
		return false
	}
	if open.PingInterval > 55_000 {
		e.found("heartbeat", Warn, "lower PingInterval, or raise the proxy's timeout", "one each %d s: many proxies end what is quiet for 60 s", open.PingInterval/1000)
	} else {
		e.found("heartbeat", Good, "", "one each %v", time.Duration(open.PingInterval)*time.Millisecond)
	}
	return true
}

// join enters the namespace, and looks how long the answer was kept back.
func (e *examination) join() bool {
	name := ""
	if e.namespace != "/" {
		name = e.namespace + ","
	}
	start := time.Now()
	status, text, err := e.ask(e.sid, "40"+name)
	for err == nil && status == http.StatusOK && !strings.Contains("\x1e"+text, "\x1e40"+name) && !strings.Contains("\x1e"+text, "\x1e44"+name) {
		if time.Since(start) > patience {
			break
		}
		status, text, err = e.ask(e.sid, "")
	}
	took := time.Since(start)
	var no refusal
	_ = json.Unmarshal([]byte(text), &no) // what is no refusal has no code
	switch {
	case err != nil:
		e.found("session", Bad, "", "it broke off: %v", err)
		return false
	case no.Code != nil && *no.Code == 1:
		e.found("session", Bad, sticky, "the second request met a server that does not know the session: there are several, and the balancer is not sticky")
		return false
	case status != http.StatusOK:
		e.found("session", Bad, "", "it answers %d: %s", status, clip(text))
		return false
	}
	e.found("session", Good, "", "long polling works")
	packet := ""
	for part := range strings.SplitSeq(text, "\x1e") {
		if strings.HasPrefix(part, "40"+name) || strings.HasPrefix(part, "44"+name) {
			packet = part
			break
		}
	}
	if !strings.HasPrefix(packet, "40") {
		_ = json.Unmarshal([]byte(strings.TrimPrefix(packet, "44"+name)), &no) // then it has no message
		e.found("namespace", Bad, "see how the server calls it; middleware may ask for a token that this does not have", "%s: %s", e.namespace, clip(no.Message))
		return false
	}
	e.found("namespace", Good, "", "%s can be joined", e.namespace)
	if took > 1500*time.Millisecond {
		e.found("buffering", Warn, "nginx: proxy_buffering off", "a push took %v: a proxy may be holding answers back", took.Round(time.Millisecond))
	} else {
		e.found("buffering", Good, "", "a push arrives within %v", took.Round(time.Millisecond))
	}
	return true
}

// leave ends the session, which would go on until its time is over, also when
// the examination was called off. What is answered is of no interest.
func (e *examination) leave() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), farewell)
	defer cancel()
	e.ctx = ctx
	_, _, _ = e.ask(e.sid, "1")
	e.client.CloseIdleConnections()
}

// webSocket opens one alone, as a page of the origin would, and if that fails one
// within the session, which is not asked for its origin.
func (e *examination) webSocket() {
	status, err := e.upgrade("")
	if err == nil {
		e.found("origin", Good, "", "pages of %s may connect", e.origin)
		e.found("websocket", Good, "", "it opens")
		return
	}
	if _, within := e.upgrade(e.sid); within == nil {
		e.found("origin", Bad, e.recognise(), "pages of %s are not recognised as the server's own (%d)", e.origin, status)
		return
	}
	e.found("websocket", Bad, "have the proxy pass the Upgrade header on (nginx: proxy_http_version 1.1, proxy_set_header Upgrade $http_upgrade, Connection \"upgrade\")", "polling works and WebSocket does not: %v", err)
}

// upgrade opens a WebSocket and waits for the first frame, if it is alone.
func (e *examination) upgrade(sid string) (int, error) {
	ctx, cancel := context.WithTimeout(e.ctx, patience)
	defer cancel()
	u := *e.base
	u.RawQuery = "EIO=4&transport=websocket"
	if sid != "" {
		u.RawQuery += "&sid=" + url.QueryEscape(sid)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return 0, err
	}
	for name, value := range map[string]string{"Origin": e.origin, "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "c29ja2V5ZSBkb2N0b3IgMQ=="} {
		r.Header.Set(name, value)
	}
	res, err := e.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close() // it was only tried
	if res.StatusCode != http.StatusSwitchingProtocols {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4096)) // what there is of it
		return res.StatusCode, fmt.Errorf("%d %s", res.StatusCode, clip(string(text)))
	}
	if sid != "" {
		return res.StatusCode, nil
	}
	head := make([]byte, 6) // a frame's, and the beginning of an open packet
	if _, err := io.ReadFull(res.Body, head); err != nil {
		return res.StatusCode, fmt.Errorf("it opens and nothing comes: %w", err)
	}
	if head[0] != 0x81 || !bytes.Contains(head, []byte("0{")) {
		return res.StatusCode, fmt.Errorf("what comes is no handshake")
	}
	return res.StatusCode, nil
}

// operator asks what a Sockeye program answers beside Socket.IO. Where that is
// kept from us, or it is another server, there is nothing to say.
func (e *examination) operator() {
	at := func(name string) string {
		u := *e.base
		u.Path = path.Join("/", name)
		return u.String()
	}
	status, text, err := e.request(http.MethodGet, at("readyz"), "")
	if first, _, _ := strings.Cut(text, "\n"); err == nil && (status == http.StatusOK && first == "ready" || status == http.StatusServiceUnavailable && (first == "stopping" || strings.HasPrefix(first, "not ready"))) {
		if status != http.StatusOK {
			e.found("ready", Bad, "", "%s", clip(strings.Join(strings.Fields(text), " ")))
		} else {
			e.found("ready", Good, "", "it takes clients")
		}
		for line := range strings.Lines(text) {
			about, ok := strings.CutPrefix(line, "cluster: ")
			if about = strings.TrimSpace(about); ok && strings.HasPrefix(about, "connected") && strings.HasSuffix(about, "this node alone") {
				e.found("cluster", Warn, "start the others; if they run, their broker, --cluster-prefix and secret must be the same", "%s", clip(about))
			} else if ok && strings.HasPrefix(about, "connected") {
				e.found("cluster", Good, "", "%s", clip(strings.TrimSpace(about)))
			} else if ok {
				e.found("cluster", Bad, "is the broker running, and are its address and password right? The log of the server has the error", "%s", clip(strings.TrimSpace(about)))
			}
		}
	}
	if status, text, err = e.request(http.MethodGet, at("metrics"), ""); err != nil || status != http.StatusOK {
		return
	}
	if open, most := metric(text, "process_open_fds"), metric(text, "process_max_fds"); most > 0 {
		switch {
		case open > most*0.8:
			e.found("descriptors", Bad, "raise the limit on open files: ulimit -n, or LimitNOFILE= of systemd", "%.0f of %.0f are in use", open, most)
		case most < 10_000:
			e.found("descriptors", Warn, "raise the limit on open files: ulimit -n, or LimitNOFILE= of systemd", "%.0f at most: so many clients, and no more", most)
		default:
			e.found("descriptors", Good, "", "%.0f of %.0f are in use", open, most)
		}
	}
}

// metric is the value of a metric without labels, 0 if it is not there.
func metric(text, name string) float64 {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, _ := strconv.ParseFloat(strings.TrimSpace(value), 64) // 0 if it is none
			return n
		}
	}
	return 0
}

// clip is text of a server that is made fit for a line.
func clip(text string) string {
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return strings.Trim(strconv.Quote(text), `"`)
}
