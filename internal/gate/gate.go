package gate

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/sockeye-io/sockeye/internal/clip"
)

const (
	most     = 10 // failures of one address within a window; who has more is not looked at
	window   = time.Minute
	maxAddrs = 10_000          // that are remembered
	keep     = 5 * time.Minute // a password that was right is not hashed again
	maxKept  = 100
	longest  = 72 // bytes of a password that bcrypt looks at
	atOnce   = 2  // hashes that are computed: each is some 50 ms of a processor
)

// Why somebody is not let in.
var (
	ErrWrong   = errors.New("wrong user or password")
	ErrTooMany = errors.New("too many wrong passwords from this address: wait a minute")
)

// A Gate knows one user and the bcrypt hash of their password.
type Gate struct {
	user, hash []byte
	log        *slog.Logger
	key        [32]byte // of the digests
	hashing    chan struct{}

	mu     sync.Mutex
	failed map[netip.Prefix]tries
	good   map[[sha256.Size]byte]time.Time // when what was right is forgotten
}

type tries struct {
	n     int
	until time.Time
}

// New makes a Gate of USER:HASH, as the command line has it. log must be limited.
func New(credential string, log *slog.Logger) (*Gate, error) {
	user, hash, ok := strings.Cut(credential, ":")
	if !ok || user == "" {
		return nil, errors.New("a credential is USER:HASH, and sockeye hash prints the hash of a password")
	}
	cost, err := bcrypt.Cost([]byte(hash))
	switch {
	case err != nil:
		return nil, errors.New("the hash is none of bcrypt ($2b$…, 60 characters): sockeye hash prints one (in a shell, put it into single quotes)")
	case len(hash) != 60:
		return nil, fmt.Errorf("the hash has %d characters, and one of bcrypt has 60: in a shell, put it into single quotes", len(hash))
	case cost > 14:
		return nil, fmt.Errorf("the hash has a cost of %d, which takes seconds for every try; 14 is the most", cost)
	}
	g := &Gate{
		user: []byte(user), hash: []byte(hash), log: log, hashing: make(chan struct{}, atOnce),
		failed: make(map[netip.Prefix]tries), good: make(map[[sha256.Size]byte]time.Time),
	}
	rand.Read(g.key[:])
	return g, nil
}

// Hash is the hash of a password, for New.
func Hash(password string) (string, error) {
	switch {
	case password == "":
		return "", errors.New("the password is empty")
	case len(password) > longest:
		return "", fmt.Errorf("the password has %d bytes, and bcrypt looks at the first %d only", len(password), longest)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), 10)
	return string(hash), err
}

// Check lets in, or says why not. addr is where the request came from. It may
// take as long as a hash, and as long for a wrong user as for a wrong password.
func (g *Gate) Check(addr, user, password string) error {
	mac := hmac.New(sha256.New, g.key[:])
	fmt.Fprintf(mac, "%d:%s%s", len(user), user, password)
	digest := [sha256.Size]byte(mac.Sum(nil))
	from := network(addr)
	now := time.Now()

	g.mu.Lock()
	until, known := g.good[digest]
	g.mu.Unlock()
	if known && now.Before(until) {
		return nil
	}
	if g.fail(from, now) > most { // noted before the hash: many at once are many
		g.log.Warn("too many wrong passwords", "client", clip.Text(addr))
		return ErrTooMany
	}

	g.hashing <- struct{}{}
	wrong := bcrypt.CompareHashAndPassword(g.hash, []byte(password[:min(len(password), longest)]))
	<-g.hashing
	if subtle.ConstantTimeCompare(g.user, []byte(user)) != 1 || len(password) > longest || wrong != nil {
		g.log.Warn("wrong user or password", "client", clip.Text(addr), "user", clip.Quoted(user))
		return ErrWrong
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.failed, from)
	if len(g.good) >= maxKept {
		clear(g.good)
	}
	g.good[digest] = now.Add(keep)
	g.log.Info("let in", "client", clip.Text(addr), "user", clip.Quoted(user))
	return nil
}

// fail notes a failure of an address, and says how many there are with it.
func (g *Gate) fail(from netip.Prefix, now time.Time) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.failed[from]
	if !now.Before(t.until) {
		t = tries{until: now.Add(window)}
	}
	t.n++
	if _, there := g.failed[from]; !there && len(g.failed) >= maxAddrs {
		for a, old := range g.failed {
			if !now.Before(old.until) {
				delete(g.failed, a)
			}
		}
		if len(g.failed) >= maxAddrs {
			clear(g.failed) // so many addresses are not one guesser's to be slowed down by this
		}
	}
	g.failed[from] = t
	return t.n
}

// network is what counts as one address: IPv6 by 64 bits. What is none counts as
// one, too.
func network(addr string) netip.Prefix {
	var ip netip.Addr
	if ap, err := netip.ParseAddrPort(addr); err == nil {
		ip = ap.Addr()
	} else if ip, err = netip.ParseAddr(addr); err != nil {
		return netip.Prefix{}
	}
	ip = ip.Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // bits fit
	return p
}
