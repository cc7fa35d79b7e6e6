package forward

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// A link is a connection to a node. Requests on it are never sent again: one that
// was answered, and whose answer was lost, must not look as if nothing had been.
type link struct {
	nc   net.Conn
	r    *bufio.Reader
	idle time.Time // since when
}

const (
	// dialTimeout is how long it may take to reach a node.
	dialTimeout = 3 * time.Second
	// idleFor is how long a link waits for its next request: less than servers
	// usually let one wait.
	idleFor = 15 * time.Second
	// maxIdle is how many wait, for each node.
	maxIdle = 256
	// sendTime is how long a node may take to take a request, once it is there.
	sendTime = 30 * time.Second
)

// links are those to one node that wait.
type links struct {
	addr string
	tls  *tls.Config // nil: without

	mu     sync.Mutex
	closed bool
	idle   []*link // the oldest first
	sweep  *time.Timer
}

// get returns a link that nobody uses.
func (ls *links) get(ctx context.Context) (*link, error) {
	for {
		ls.mu.Lock()
		n := len(ls.idle)
		if n == 0 {
			ls.mu.Unlock()
			return ls.dial(ctx)
		}
		l := ls.idle[n-1]
		ls.idle = ls.idle[:n-1]
		ls.mu.Unlock()
		if time.Since(l.idle) < idleFor && l.r.Buffered() == 0 && !ended(l.nc) {
			return l, nil
		}
		_ = l.nc.Close()
	}
}

// dial makes a link.
func (ls *links) dial(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", ls.addr)
	if err != nil {
		return nil, err
	}
	if ls.tls != nil {
		secure := tls.Client(nc, ls.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = nc.Close()
			return nil, err
		}
		nc = secure
	}
	return &link{nc: nc, r: bufio.NewReaderSize(nc, 4<<10)}, nil
}

// past is a deadline that is over.
func past() time.Time { return time.Now().Add(-time.Second) }

// put gives a link back.
func (ls *links) put(l *link) {
	l.idle = time.Now()
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.closed || len(ls.idle) >= maxIdle {
		_ = l.nc.Close()
		return
	}
	ls.idle = append(ls.idle, l)
	if ls.sweep == nil {
		ls.sweep = time.AfterFunc(idleFor, ls.tidy)
	}
}

// tidy ends those that have waited for too long.
func (ls *links) tidy() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	now := time.Now()
	n := 0
	for n < len(ls.idle) && now.Sub(ls.idle[n].idle) >= idleFor {
		_ = ls.idle[n].nc.Close()
		n++
	}
	ls.idle = append([]*link(nil), ls.idle[n:]...)
	ls.sweep = nil
	if len(ls.idle) > 0 {
		ls.sweep = time.AfterFunc(idleFor-now.Sub(ls.idle[0].idle), ls.tidy)
	}
}

// close ends those that wait, and those that are given back later.
func (ls *links) close() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.closed = true
	for _, l := range ls.idle {
		_ = l.nc.Close()
	}
	ls.idle = nil
	if ls.sweep != nil {
		ls.sweep.Stop()
	}
}

var writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 4<<10) }}

// ask sends a request without a body, and reads the head of the answer. It ends
// with ctx.
func (l *link) ask(ctx context.Context, out *http.Request) (*http.Response, error) {
	defer context.AfterFunc(ctx, func() { _ = l.nc.SetDeadline(past()) })()
	if err := l.send(out); err != nil {
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	return l.hear(ctx, out)
}

// send sends a request.
func (l *link) send(out *http.Request) error {
	_ = l.nc.SetWriteDeadline(time.Now().Add(sendTime)) // an error shows with the next call, too
	w := writers.Get().(*bufio.Writer)
	defer writers.Put(w)
	w.Reset(l.nc)
	err := out.Write(w)
	if err == nil {
		err = w.Flush()
	}
	w.Reset(nil)
	return err
}

// hear reads the head of the answer.
func (l *link) hear(ctx context.Context, out *http.Request) (*http.Response, error) {
	resp, err := http.ReadResponse(l.r, out)
	if err != nil || ctx.Err() != nil {
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	return resp, nil
}

// watched has take called with each part of a body, until it ends, or ctx does.
func (l *link) watched(ctx context.Context, body io.Reader, buf []byte, take func(b []byte, last bool) bool) (whole bool, err error) {
	stop := context.AfterFunc(ctx, func() { _ = l.nc.SetDeadline(past()) })
	for {
		n, err := body.Read(buf)
		if n > 0 && !take(buf[:n], err == io.EOF) {
			err = errTaken
		}
		if err != nil {
			inTime := stop()
			if err == io.EOF {
				return inTime, nil
			}
			return false, err
		}
	}
}

// errTaken: who was to take an answer does not.
var errTaken = errors.New("forward: the client does not take the answer")
