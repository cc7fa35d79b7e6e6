package forward

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/host"
	"github.com/sockeye-io/sockeye/socketio/internal/httpconn"
)

const (
	// headTime is how long a node may take to answer a request for a WebSocket.
	headTime = 10 * time.Second
	// lastWords is how long one direction may go on when the other has ended.
	lastWords = 30 * time.Second
)

// splice joins the connection of a request for a WebSocket to one to its node.
func (h *hop) splice(w http.ResponseWriter, r *http.Request) *Failure {
	l, resp, err := h.dial(r)
	if err != nil {
		defer h.over()
		return h.failed(w, r, err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		defer h.over()
		defer l.nc.Close()
		w.Header().Set("Connection", "close")
		_, failure := h.answer(w, r, l, resp)
		return failure
	}
	down, pre, err := httpconn.Hijack(w)
	up := l.nc
	h.stop[0]() // there is no request any more
	if err != nil {
		_ = up.Close()
		h.over()
		h.f.count("canceled", h.to.Node)
		return &Failure{Text: host.NoTakeOver}
	}
	h.f.mu.Lock()
	closed := h.f.closed
	if !closed {
		h.f.joined.Add(1)
	}
	h.f.mu.Unlock()
	if closed {
		_, _ = up.Close(), down.Close()
		h.over()
		return nil
	}
	h.f.count("spliced", h.to.Node)
	go func() {
		defer h.f.joined.Done()
		defer h.over()
		defer context.AfterFunc(h.ctx, func() {
			_, _ = up.Close(), down.Close() // which ends both directions
		})()
		h.join(down, l, pre, resp)
	}()
	return nil
}

// dial asks the node for a WebSocket, over a link of its own.
func (h *hop) dial(r *http.Request) (*link, *http.Response, error) {
	ctx, cancel := context.WithTimeout(h.ctx, headTime)
	defer cancel()
	l, err := h.to.links.dial(ctx)
	if err != nil {
		return nil, nil, err
	}
	out := h.f.request(h.to, r, r.Method)
	out.Header["Connection"], out.Header["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	resp, err := l.ask(ctx, out)
	if err != nil {
		_ = l.nc.Close()
		return nil, nil, err
	}
	_ = l.nc.SetDeadline(time.Time{})
	return l, resp, nil
}

// join copies in both directions until both have ended, and closes both; before,
// it gives back the place.
func (h *hop) join(down net.Conn, l *link, pre []byte, resp *http.Response) {
	up := l.nc
	defer func() {
		h.f.places.Leave(&h.place)
		_, _ = down.Close(), up.Close()
	}()
	var both sync.WaitGroup
	both.Go(func() {
		halfClose(up, down, h.copyAll(up, down, pre))
	})
	head := append([]byte("HTTP/1.1 101 Switching Protocols\r\n"), appendHeader(nil, resp.Header)...)
	early, _ := l.r.Peek(l.r.Buffered()) // it is there
	head = append(head, early...)
	l.r = nil // there may be many, which have no use for its memory
	halfClose(down, up, h.copyAll(down, up, head))
	both.Wait()
}

func appendHeader(b []byte, h http.Header) []byte {
	for k, values := range h {
		for _, v := range values {
			b = append(append(append(append(b, k...), ": "...), v...), "\r\n"...)
		}
	}
	return append(b, "\r\n"...)
}

// copyAll copies what comes, behind first, with a small buffer: there may be many
// that are idle. Its error is nil at the end of what comes.
func (h *hop) copyAll(to, from net.Conn, first []byte) error {
	write := func(b []byte) error {
		if d := h.f.cfg.WriteTimeout; d > 0 {
			_ = to.SetWriteDeadline(time.Now().Add(d)) // an error shows with the next call, too
		}
		_, err := to.Write(b)
		return err
	}
	if len(first) > 0 {
		if err := write(first); err != nil {
			return err
		}
	}
	buf := make([]byte, 4<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if err := write(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// halfClose tells to that nothing more comes, and lets from have its last words.
func halfClose(to, from net.Conn, err error) {
	half, ok := to.(interface{ CloseWrite() error })
	if err != nil || !ok || half.CloseWrite() != nil {
		_, _ = to.Close(), from.Close()
		return
	}
	// What still comes from there, the other way, has so long.
	_ = to.SetReadDeadline(time.Now().Add(lastWords))
}
