package namespaces

import (
	"net/netip"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

const (
	perSecond = 256 << 10     // bytes that a connection may cause in the long run
	purse     = 8 * perSecond // and at once
	crowd     = 10            // connections whose share all of one address have together
	longest   = 30.0          // seconds after which any debt is forgotten
	overhead  = 120           // bytes of a packet beside what its sender wrote: names, ids, framing
)

// budget bounds what clients make a namespace send beyond what they send
// themselves: an answer longer than its question, an event for everybody in a
// room. It is charged to the connection and to its address. Who is in debt is
// refused until time has paid; so one answer may be of any size.
type budget struct {
	purse float64 // of one connection

	mu       sync.Mutex
	accounts map[string]*account // guarded by mu, by connection and by address
	many     int                 // so many that the idle ones are looked for; guarded by mu
}

// account is what a connection or an address may still cause, as of a moment.
type account struct {
	left, share float64 // share is how many connections it is for
	at          time.Time
}

func newBudget(purse float64) *budget {
	return &budget{purse: purse, accounts: map[string]*account{}, many: 1000}
}

// charge takes bytes from those who caused them.
func (b *budget) charge(s *socketio.Socket, bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.of(s) {
		a.left = max(a.left-float64(bytes), -longest*perSecond*a.share)
	}
}

// solvent reports whether s may go on.
func (b *budget) solvent(s *socketio.Socket) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.of(s) {
		if a.left < 0 {
			return false
		}
	}
	return true
}

// of returns the accounts of s as they are now. b.mu is held.
func (b *budget) of(s *socketio.Socket) (of [2]*account) {
	now := time.Now()
	for i, key := range []string{"connection " + s.Conn().ID(), neighbours(s.Handshake().RemoteAddr())} {
		a := b.accounts[key]
		if a == nil {
			a = &account{share: []float64{1, crowd}[i], at: now}
			a.left = b.purse * a.share
			b.clean(now)
			b.accounts[key] = a
		}
		a.earn(now, b.purse)
		of[i] = a
	}
	return of
}

func (a *account) earn(now time.Time, purse float64) {
	a.left = min(purse*a.share, a.left+now.Sub(a.at).Seconds()*perSecond*a.share)
	a.at = now
}

// clean drops accounts that are full by now: they are as good as none.
func (b *budget) clean(now time.Time) {
	if len(b.accounts) < b.many {
		return
	}
	for key, a := range b.accounts {
		if a.earn(now, b.purse); a.left == b.purse*a.share {
			delete(b.accounts, key)
		}
	}
	b.many = max(1000, 2*len(b.accounts))
}

// neighbours is an address without its port; of an IPv6 address it is the
// network, all of which one client may have.
func neighbours(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	addr := at.Addr().Unmap().WithZone("")
	if addr.Is6() {
		return netip.PrefixFrom(addr, 64).Masked().String()
	}
	return addr.String()
}
