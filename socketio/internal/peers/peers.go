package peers

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
)

// Key is what counts as one client address: an IPv4 address, or an IPv6
// network of 64 bits, which is what one subscriber has. All clients without a
// known address share the zero Key. It takes half as much as a netip.Prefix, as
// each idle session has one.
type Key struct {
	net  uint64 // the bits of the network
	bits uint8  // how many they are; 0 if there is no address
}

// KeyOf is the Key that p is the Prefix of.
func KeyOf(p netip.Prefix) Key {
	if !p.IsValid() {
		return Key{}
	}
	return keyOf(p.Addr())
}

// Prefix is the network that k stands for, the zero value without one.
func (k Key) Prefix() netip.Prefix {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], k.net)
	switch k.bits {
	case 32:
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(b[4:])), 32)
	case 64:
		return netip.PrefixFrom(netip.AddrFrom16(b), 64)
	}
	return netip.Prefix{}
}

// Peer is whom a request comes from.
type Peer struct {
	Addr string // address and port; the address alone where a proxy tells it
	Key  Key
}

// Config is the configuration of Peers. Zero bounds mean none.
type Config struct {
	MaxSessions int
	Rate        float64 // handshakes per second, with bursts of as many
	// Header names the header in which Trusted (addresses and networks) tell the
	// client's address; default X-Forwarded-For, if any are trusted.
	Header  string
	Trusted []string
	// Odd, if not nil, is told what a trusted proxy has written that cannot be
	// read: its own address counts then.
	Odd func(header, value string)
}

// Peers counts clients by their address.
type Peers struct {
	max     int
	rate    float64
	header  string // canonical
	trusted []netip.Prefix
	odd     func(header, value string)
	wheel   *wheel.Wheel
	sweeper wheel.Timer

	mu     sync.Mutex
	seen   map[Key]*use
	recent *Table[Key] // those that have shaken hands, by age: nobody fills the memory with addresses
}

type use struct {
	sessions int
	tokens   float64
	at       time.Time
	place    Place[Key] // in recent
}

// maxRecent bounds the addresses whose rate is remembered. To be forgotten
// costs nobody anything: it means another burst.
const maxRecent = 100_000

// New returns Peers that forget with the help of w. The error tells which of
// Header and Trusted makes no sense.
func New(cfg Config, w *wheel.Wheel) (*Peers, error) {
	p := &Peers{max: cfg.MaxSessions, rate: cfg.Rate, odd: cfg.Odd, wheel: w, seen: make(map[Key]*use), recent: NewTable[Key](maxRecent)}
	if err := p.configure(cfg.Header, cfg.Trusted); err != nil {
		return nil, err
	}
	return p, nil
}

func keyOf(addr netip.Addr) Key {
	switch addr = addr.Unmap(); {
	case addr.Is4():
		b := addr.As4()
		return Key{uint64(binary.BigEndian.Uint32(b[:])), 32}
	case addr.Is6():
		b := addr.As16()
		return Key{binary.BigEndian.Uint64(b[:]), 64}
	}
	return Key{} // no address: all of these count as one
}

func (p *Peers) trusts(addr netip.Addr) bool {
	for _, t := range p.trusted {
		if t.Contains(addr.Unmap()) || t.Contains(addr) {
			return true
		}
	}
	return false
}

// Enter counts a session of the address, if there may be one more.
func (p *Peers) Enter(k Key) bool {
	if p.max <= 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.useLocked(k)
	if u.sessions >= p.max {
		return false
	}
	u.sessions++
	return true
}

// Leave counts off a session that Enter has let in.
func (p *Peers) Leave(k Key) {
	if p.max <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.seen[k]
	if u.sessions--; u.sessions == 0 && p.rate <= 0 {
		delete(p.seen, k)
	}
}

// Allow reports whether the address may shake hands once more by now.
func (p *Peers) Allow(k Key) bool {
	if p.rate <= 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.useLocked(k)
	now := time.Now()
	u.tokens = min(p.burst(), u.tokens+p.rate*now.Sub(u.at).Seconds())
	u.at = now
	p.touchLocked(k, u)
	p.againLocked()
	if u.tokens < 1 {
		return false
	}
	u.tokens--
	return true
}

// touchLocked makes k the one that was seen last, and forgets another if there
// are too many.
func (p *Peers) touchLocked(k Key, u *use) {
	p.recent.Leave(&u.place)
	u.place.Value = k
	old, pushed := p.recent.Push(Key{}, &u.place)
	if !pushed {
		return
	}
	if u := p.seen[old]; u.sessions == 0 {
		delete(p.seen, old)
	} else {
		u.tokens = p.burst()
	}
}

// Len is the number of addresses that are remembered.
func (p *Peers) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.seen)
}

func (p *Peers) useLocked(k Key) *use {
	u := p.seen[k]
	if u == nil {
		u = &use{tokens: p.burst(), at: time.Now()}
		p.seen[k] = u
	}
	return u
}

func (p *Peers) burst() float64 { return max(1, p.rate) }

const sweepEvery = time.Minute

// Run implements wheel.Runner: it forgets addresses that are as good as new.
func (p *Peers) Run() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for k, u := range p.seen {
		if u.sessions == 0 && u.tokens+p.rate*now.Sub(u.at).Seconds() >= p.burst() {
			p.recent.Leave(&u.place)
			delete(p.seen, k)
		}
	}
	p.againLocked()
}

// againLocked sets the timer if there is something to forget and it is not set.
func (p *Peers) againLocked() {
	if len(p.seen) > 0 && !p.sweeper.Pending() {
		p.wheel.After(sweepEvery, &p.sweeper, p)
	}
}
