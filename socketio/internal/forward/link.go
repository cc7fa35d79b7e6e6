package forward

import (
	"bufio"
	"cmp"
	"context"
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
	nc net.Conn
	r  *bufio.Reader
}

func (l *link) drop() { _ = l.nc.Close() }

// sendTime is how long a node may take to take a request, once it is there.
const sendTime = 30 * time.Second

// links are those to one node.
type links struct {
	to *reach
	spares[*link]
}

// get returns a link that nobody uses.
func (ls *links) get(ctx context.Context) (*link, error) {
	for {
		l, waited, ok := ls.take()
		if !ok {
			return ls.dial(ctx)
		}
		if waited < idleFor && l.r.Buffered() == 0 && !ended(l.nc) {
			return l, nil
		}
		l.drop()
	}
}

// dial makes a link.
func (ls *links) dial(ctx context.Context) (*link, error) {
	nc, err := ls.to.dial(ctx)
	if err != nil {
		return nil, err
	}
	return &link{nc: nc, r: bufio.NewReaderSize(nc, 4<<10)}, nil
}

// past is a deadline that is over.
func past() time.Time { return time.Now().Add(-time.Second) }

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
