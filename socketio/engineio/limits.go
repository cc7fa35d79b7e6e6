package engineio

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
)

// addrKey is what counts as one client address: an IPv4 address, or an IPv6
// network of 64 bits, which is what one subscriber has.
type addrKey netip.Prefix

// clientAddr is whom a request comes from.
type clientAddr struct {
	text string
	key  addrKey
}

// addresses keeps the bounds per client address.
type addresses struct {
	max     int
	rate    float64
	header  string
	trusted []netip.Prefix

	mu   sync.Mutex
	seen map[addrKey]*addrUse
}

type addrUse struct {
	sessions int
	tokens   float64
	at       time.Time
}

func (a *addresses) init(o *Options) {
	a.max, a.rate, a.header = o.MaxSessionsPerAddr, o.HandshakeRate, o.ClientIPHeader
	a.seen = make(map[addrKey]*addrUse)
	for _, t := range o.TrustedProxies {
		p, err := netip.ParsePrefix(t)
		if err != nil {
			addr, err := netip.ParseAddr(t)
			if err != nil {
				panic(fmt.Sprintf("engineio: TrustedProxies: %q is neither an address nor a network", t))
			}
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		a.trusted = append(a.trusted, p.Masked())
	}
}

// clientAddr finds the client's address. The header is believed only as far as
// it was written by trusted proxies: from its end on.
func (srv *Server) clientAddr(r *http.Request) clientAddr {
	a := &srv.addrs
	c := clientAddr{text: r.RemoteAddr}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr // a unix socket, or a test
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		addr = netip.Addr{}
	}
	if a.header != "" && a.trusts(addr) {
		list := strings.Split(strings.Join(r.Header.Values(a.header), ","), ",")
		for i := len(list) - 1; i >= 0; i-- {
			next, err := netip.ParseAddr(strings.TrimSpace(list[i]))
			if err != nil {
				break
			}
			addr, c.text = next, next.String()
			if !a.trusts(addr) {
				break
			}
		}
	}
	c.key = keyOf(addr)
	return c
}

func keyOf(addr netip.Addr) addrKey {
	addr = addr.Unmap().WithZone("")
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return addrKey{} // no address: all of these count as one
	}
	return addrKey(p)
}

func (a *addresses) trusts(addr netip.Addr) bool {
	for _, p := range a.trusted {
		if p.Contains(addr.Unmap()) || p.Contains(addr) {
			return true
		}
	}
	return false
}

// reserve counts a session of the address, if there may be one more.
func (a *addresses) reserve(k addrKey) bool {
	if a.max <= 0 {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.useLocked(k)
	if u.sessions >= a.max {
		return false
	}
	u.sessions++
	return true
}

func (a *addresses) release(k addrKey) {
	if a.max <= 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.seen[k]
	if u.sessions--; u.sessions == 0 && a.rate <= 0 {
		delete(a.seen, k)
	}
}

func (a *addresses) useLocked(k addrKey) *addrUse {
	u := a.seen[k]
	if u == nil {
		u = &addrUse{tokens: a.burst(), at: time.Now()}
		a.seen[k] = u
	}
	return u
}

func (a *addresses) burst() float64 { return max(1, a.rate) }

// allow takes one token of the address.
func (a *addresses) allow(k addrKey) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.useLocked(k)
	now := time.Now()
	u.tokens = min(a.burst(), u.tokens+a.rate*now.Sub(u.at).Seconds())
	u.at = now
	if u.tokens < 1 {
		return false
	}
	u.tokens--
	return true
}

// sweep forgets addresses that are as good as new.
func (a *addresses) sweep() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	for k, u := range a.seen {
		if u.sessions == 0 && u.tokens+a.rate*now.Sub(u.at).Seconds() >= a.burst() {
			delete(a.seen, k)
		}
	}
}

// sweeper forgets addresses from time to time.
type sweeper struct {
	srv   *Server
	timer wheel.Timer
}

const sweepEvery = time.Minute

func (w *sweeper) Run() {
	w.srv.addrs.sweep()
	w.again()
}

// again sets the timer if there is something to forget and it is not set.
func (w *sweeper) again() {
	a := &w.srv.addrs
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.seen) > 0 && !w.timer.Pending() {
		w.srv.wheel.After(sweepEvery, &w.timer, w)
	}
}

// admit is the bound on handshakes per second.
func (srv *Server) admit(r *http.Request) *refusal {
	if srv.opts.HandshakeRate <= 0 {
		return nil
	}
	if srv.addrs.allow(srv.clientAddr(r).key) {
		srv.sweeper.again()
		return nil
	}
	srv.bound("HandshakeRate", "too many handshakes of one address")
	return &refusal{code: Forbidden, status: http.StatusTooManyRequests, name: "HANDSHAKE_RATE", text: "Too many handshakes (the server's option HandshakeRate)"}
}
