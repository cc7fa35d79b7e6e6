package forward

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/internal/httpconn"
)

// Header is what a request that is passed on carries, and an answer that refuses
// it:
//
//	1 FROM UNIXMILLIS TLS REMOTE SIGNATURE
//
// FROM is the id of the node that passes it on, TLS is 1 if the client came by
// TLS, REMOTE is the other end of its connection. Without the header a request
// is a client's.
const Header = httpconn.Mark

// refused is the header's value in an answer.
const refused = "refused"

// skew is how much the clocks of two nodes may differ, and how long the network
// between them may take, all together.
const skew = time.Minute

// deriveKey makes a key for this purpose alone: the secret has others.
func deriveKey(secret []byte) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte("sockeye forward 1"))
	return m.Sum(nil)
}

// A signer is what signing one text needs: the key's part is done once.
type signer struct {
	hash.Hash
	text []byte // of fields, each with a NUL behind it, which none holds
	made [sha256.Size]byte
}

// add has more fields signed.
func add[T string | []byte](m *signer, fields ...T) {
	for _, s := range fields {
		m.text = append(append(m.text, s...), 0)
	}
}

// sum is the signature. It is good until m is used again.
func (m *signer) sum() []byte {
	m.Reset()
	_, _ = m.Write(m.text) // never fails
	return m.Sum(m.made[:0])
}

func (f *Forwarder) signer() *signer {
	m := f.macs.Get().(*signer)
	m.text = m.text[:0]
	return m
}

// mac signs fields.
func (f *Forwarder) mac(fields ...string) []byte {
	m := f.signer()
	defer f.macs.Put(m)
	add(m, fields...)
	return append([]byte(nil), m.sum()...)
}

// Address is what other nodes are told of this one: where it is, signed. It is
// empty if it cannot be reached.
func (f *Forwarder) Address() string {
	if f.cfg.Advertise == "" || len(f.cfg.Secret) == 0 {
		return ""
	}
	u, err := CheckAddress(f.cfg.Advertise)
	if err != nil {
		return "" // it was checked
	}
	base := u.String()
	return base + "#" + base64.RawURLEncoding.EncodeToString(f.mac("address", f.cfg.Self.ID, base))
}

// addressOf is where a node is, if it says so with the secret; else nil.
func (f *Forwarder) addressOf(n Node) *url.URL {
	base, signature, _ := strings.Cut(n.Address, "#")
	sum, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || !hmac.Equal(sum, f.mac("address", n.ID, base)) {
		return nil
	}
	u, err := CheckAddress(base)
	if err != nil {
		return nil
	}
	return u
}

// sign makes the header of a request to a node. target is what stands in its
// first line.
func (f *Forwarder) sign(to, method, target, host, remote string, secure bool, at time.Time) string {
	return string(appendMark(f, nil, to, method, target, host, remote, secure, at))
}

// appendMark appends what sign makes.
func appendMark[T string | []byte](f *Forwarder, dst []byte, to, method string, target, host T, remote string, secure bool, at time.Time) []byte {
	if remote == "" || strings.ContainsAny(remote, " \x00\r\n") {
		remote = "@" // as that of a unix socket
	}
	tlsFlag := "0"
	if secure {
		tlsFlag = "1"
	}
	dst = append(append(append(dst, "1 "...), f.cfg.Self.ID...), ' ')
	from := len(dst)
	dst = strconv.AppendInt(dst, at.UnixMilli(), 10)
	m := f.signer()
	add(m, "request", f.cfg.Self.ID, to)
	add(m, dst[from:])
	add(m, tlsFlag, remote, method)
	add(m, target, host)
	dst = append(append(append(append(append(dst, ' '), tlsFlag...), ' '), remote...), ' ')
	dst = base64.RawURLEncoding.AppendEncode(dst, m.sum())
	f.macs.Put(m)
	return dst
}

var (
	errForm      = errors.New("it is not of this version's form")
	errSignature = errors.New("it is not signed with this cluster's secret")
	errTime      = errors.New("it is too old, or from the future: the nodes' clocks differ by more than a minute")
)

// verify looks whether a request was passed on by another node.
func (f *Forwarder) verify(r *http.Request, now time.Time) (from, remote string, secure bool, err error) {
	values := r.Header[Header]
	if len(values) != 1 {
		return "", "", false, errForm
	}
	sender, remote, secure, err := judge(f, []byte(values[0]), r.Method, target(r), r.Host, now)
	return string(sender), remote, secure, err
}

// judge looks whether another node has made a mark for a request.
func judge[T string | []byte](f *Forwarder, mark []byte, method string, target, host T, now time.Time) (from []byte, remote string, secure bool, err error) {
	var parts [6][]byte
	rest, more := mark, true
	for i := range parts {
		if !more {
			return nil, "", false, errForm
		}
		parts[i], rest, more = bytes.Cut(rest, []byte(" "))
	}
	if more || string(parts[0]) != "1" {
		return nil, "", false, errForm
	}
	var sum [sha256.Size]byte
	if base64.RawURLEncoding.DecodedLen(len(parts[5])) != len(sum) || len(f.cfg.Secret) == 0 {
		return nil, "", false, errSignature
	}
	n, err := base64.RawURLEncoding.Decode(sum[:], parts[5])
	m := f.signer()
	add(m, "request")
	add(m, parts[1])
	add(m, f.cfg.Self.ID)
	add(m, parts[2], parts[3], parts[4])
	add(m, method)
	add(m, target, host)
	good := err == nil && hmac.Equal(sum[:n], m.sum())
	f.macs.Put(m)
	if !good {
		return nil, "", false, errSignature
	}
	ms, err := strconv.ParseInt(string(parts[2]), 10, 64)
	if d := now.Sub(time.UnixMilli(ms)); err != nil || d > skew || d < -skew {
		return parts[1], "", false, errTime
	}
	return parts[1], string(parts[4]), string(parts[3]) == "1", nil
}

// target is what stood in a request's first line.
func target(r *http.Request) string {
	if r.RequestURI != "" {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

type passedKey struct{}

// An arrival is what is known of a request that was passed on.
type arrival struct {
	from string
	tls  *tls.ConnectionState // of the connection between the nodes
}

// Judge is Arrived for a request that net/http has not read: from where it has
// come to the node that passed it on. ok: it is believed; Served counts it then.
func (f *Forwarder) Judge(r *httpconn.Request) (remote string, secure, ok bool) {
	method := http.MethodGet
	if r.Post {
		method = http.MethodPost
	}
	_, remote, secure, err := judge(f, r.Mark, method, r.Target, r.Host, time.Now())
	return remote, secure, err == nil
}

// Served counts a request that was believed.
func (f *Forwarder) Served(r *httpconn.Request) {
	_, rest, _ := bytes.Cut(r.Mark, []byte(" "))
	from, _, _ := bytes.Cut(rest, []byte(" "))
	f.mu.Lock()
	p := f.byID[string(from)]
	f.mu.Unlock()
	if p != nil {
		f.count("served", p.Node)
	} else {
		f.count("served", Node{ID: string(from)})
	}
}

// Arrived is r, which has the header, as it reached the node that passed it on. If
// it was not passed on, that is answered, and nil returned.
func (f *Forwarder) Arrived(w http.ResponseWriter, r *http.Request) *http.Request {
	from, remote, secure, err := f.verify(r, time.Now())
	if err != nil {
		f.count("forged", Node{ID: clip.Text(from)})
		f.complain("a request says that another node has passed it on, and is refused", err.Error(),
			"why", err, "remote", r.RemoteAddr, "hint", "a client has made it up, or a node has another secret (--cluster-secret-file, ClusterOptions.Secret)")
		w.Header().Set(Header, refused)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"code":4,"message":"Forbidden: this request says that another node has passed it on: `+err.Error()+`"}`)
		return nil
	}
	f.count("served", f.node(from))
	r = r.WithContext(context.WithValue(r.Context(), passedKey{}, arrival{from, r.TLS}))
	r.Header = r.Header.Clone() // that of somebody in front is as it was
	delete(r.Header, Header)
	r.RemoteAddr = remote
	r.TLS = nil
	if secure {
		r.TLS = new(tls.ConnectionState)
	}
	return r
}

// node is a node by its id.
func (f *Forwarder) node(id string) Node {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.byID[id]; p != nil {
		return p.Node
	}
	return Node{ID: id}
}

// Beneath is r as it came over its connection, as far as that matters to who
// takes the connection over.
func Beneath(r *http.Request) *http.Request {
	a, ok := r.Context().Value(passedKey{}).(arrival)
	if !ok || a.tls == r.TLS {
		return r
	}
	own := *r
	own.TLS = a.tls
	return &own
}

// Passed reports whether r was passed on, as Arrived has found.
func Passed(r *http.Request) bool { return r.Context().Value(passedKey{}) != nil }

// Lost counts a request that was passed on to this node, and that is for another
// one.
func (f *Forwarder) Lost(r *http.Request) {
	a, _ := r.Context().Value(passedKey{}).(arrival)
	from := a.from
	f.count("loop", f.node(from))
	f.complain("a request was passed on to this node, and is for another one: it ends here", from, "from", label(f.node(from)))
}
