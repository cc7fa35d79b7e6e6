//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// pollPeer is a long-polling session. Its packets wait in buf until a poll
// takes them; a poll that finds none waits on wake.
type pollPeer struct {
	mu   sync.Mutex
	buf  []byte
	wake chan struct{} // room for one
}

func (p *pollPeer) write(msg []byte) {
	p.mu.Lock()
	if len(p.buf) > 0 {
		p.buf = append(p.buf, 0x1e)
	}
	p.buf = append(p.buf, msg...)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pollPeer) share(s *shared) { p.write(s.text) }

// take moves what waits to the end of dst.
func (p *pollPeer) take(dst []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	dst = append(dst, p.buf...)
	p.buf = p.buf[:0]
	return dst
}

// pollingHandler serves HTTP long-polling on net/http: a held poll is a
// goroutine that waits.
func pollingHandler(h *hub) http.HandlerFunc {
	var mu sync.RWMutex
	peers := map[string]*pollPeer{}
	pool := sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}
	text := []string{"text/plain; charset=UTF-8"}
	return func(w http.ResponseWriter, r *http.Request) {
		buf := pool.Get().(*[]byte)
		defer pool.Put(buf)
		out := (*buf)[:0]
		defer func() { *buf = out }()
		head := w.Header()
		head["Content-Type"] = text
		sid := query(r.URL.RawQuery, "sid")
		if sid == "" {
			p := &pollPeer{wake: make(chan struct{}, 1)}
			mu.Lock()
			sid = fmt.Sprintf("A%019d", len(peers))
			peers[sid] = p
			mu.Unlock()
			out = fmt.Appendf(out, `0{"sid":"%s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`, sid)
		} else {
			mu.RLock()
			p := peers[sid]
			mu.RUnlock()
			if p == nil {
				http.Error(w, `{"code":1,"message":"Session ID unknown"}`, http.StatusBadRequest)
				return
			}
			if r.Method == http.MethodPost {
				body, err := readAll(out, r.Body)
				out = body
				if err != nil {
					return
				}
				for len(body) > 0 {
					var packet []byte
					packet, body, _ = bytes.Cut(body, []byte{0x1e})
					h.handle(p, packet)
				}
				out = append(out[:0], "ok"...)
			} else {
				for out = p.take(out); len(out) == 0; out = p.take(out) {
					select {
					case <-p.wake:
					case <-r.Context().Done():
						return
					}
				}
			}
		}
		head["Content-Length"] = []string{strconv.Itoa(len(out))}
		_, _ = w.Write(out)
	}
}

func readAll(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

// query finds one plain value of a query string.
func query(raw, name string) string {
	for len(raw) > 0 {
		i := 0
		for i < len(raw) && raw[i] != '&' {
			i++
		}
		if len(raw) > len(name) && raw[:len(name)] == name && raw[len(name)] == '=' {
			return raw[len(name)+1 : i]
		}
		raw = raw[min(i+1, len(raw)):]
	}
	return ""
}
