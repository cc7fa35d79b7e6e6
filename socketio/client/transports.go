package client

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/eiowire"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// unreachable says why there is no answer at all.
func unreachable(transport string, err error) error {
	return &HandshakeError{Transport: transport, Text: "no answer: is the server running, and the address right?", Err: err}
}

// firstPoll is the handshake over polling. What comes after it in the same
// answer waits for poll.
func (k *conn) firstPoll(ctx context.Context) (p eiowire.Packet, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.address(Polling).String(), nil)
	if err != nil {
		return p, err
	}
	req.Header = k.header()
	res, err := k.c.http.Do(req)
	if err != nil {
		return p, unreachable(Polling, err)
	}
	if res.StatusCode != http.StatusOK {
		return p, refusal(Polling, res)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err != nil {
		return p, err
	}
	payload := eiowire.NewPayload(eiowire.Text4, body)
	if p, err = payload.Next(); err == nil && payload.More() {
		k.early = payload
	}
	return p, err
}

// poll takes what polls bring until the end, or until a WebSocket has taken
// over.
func (k *conn) poll() (*socket, error) {
	for payload := k.early; ; {
		if !payload.More() {
			body, err := k.get()
			if err != nil {
				return nil, err
			}
			payload = eiowire.NewPayload(eiowire.Text4, body)
		}
		for payload.More() {
			p, err := payload.Next()
			if err == nil {
				err = k.take(p)
			}
			if err != nil {
				return nil, err
			}
		}
		k.mu.Lock()
		probed, upgraded := k.probed, k.upgraded
		k.mu.Unlock()
		if probed == nil {
			continue
		}
		close(probed.mine)
		select {
		case <-upgraded:
			return probed, nil
		case <-k.ctx.Done():
			return nil, k.ctx.Err()
		}
	}
}

func (k *conn) get() ([]byte, error) {
	req, err := http.NewRequestWithContext(k.ctx, http.MethodGet, k.address(Polling).String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header = k.header()
	res, err := k.c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, refusal(Polling, res)
	}
	defer res.Body.Close()
	most := int64(k.c.opts.MaxMessage)
	body, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	if err == nil && int64(len(body)) > most {
		err = fmt.Errorf("the server sent more than %d bytes (Options.MaxMessage)", most)
	}
	return body, err
}

// post sends packets, in as many requests as the server's bound asks for.
func (k *conn) post(batch []eiowire.Packet) error {
	for len(batch) > 0 {
		var body []byte
		n := 0
		for ; n < len(batch); n++ {
			size := len(batch[n].Data) + 2
			if batch[n].Binary {
				size = base64.StdEncoding.EncodedLen(len(batch[n].Data)) + 2
			}
			if n > 0 && k.open.MaxPayload > 0 && len(body)+size > k.open.MaxPayload {
				break
			}
			body = eiowire.Text4.Append(body, batch[n])
		}
		batch = batch[n:]
		if err := k.postBody(k.ctx, body); err != nil {
			return err
		}
	}
	return nil
}

func (k *conn) postBody(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, k.address(Polling).String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = k.header()
	req.Header.Set("Content-Type", eiowire.Text4.ContentType())
	res, err := k.c.http.Do(req)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return refusal(Polling, res)
	}
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 4096))
	return errors.Join(err, res.Body.Close())
}

// upgrade opens a WebSocket beside the polling and lets it take over.
func (k *conn) upgrade() {
	ctx, cancel := k.c.bounded(k.ctx)
	defer cancel()
	w, err := k.probe(ctx)
	if k.ctx.Err() == nil {
		k.c.webSocketWorks(err == nil)
	}
	if err != nil {
		return // polling goes on
	}
	stop := context.AfterFunc(ctx, w.close)
	defer stop()
	w.mine = make(chan struct{})
	k.mu.Lock()
	k.paused, k.probed, k.upgraded = true, w, make(chan struct{})
	var idle chan struct{}
	if k.flushing {
		if k.idle == nil {
			k.idle = make(chan struct{})
		}
		idle = k.idle
	}
	k.mu.Unlock()
	for _, wait := range []chan struct{}{w.mine, idle} { // the server ends the poll, and what is being posted arrives first
		if wait == nil {
			continue
		}
		select {
		case <-wait:
		case <-ctx.Done():
			k.fail("transport error", errors.New("the server did not finish the upgrade"))
			return
		}
	}
	if err := w.write([]eiowire.Packet{{Type: eiowire.Upgrade}}); err != nil {
		k.fail("transport error", err)
		return
	}
	k.mu.Lock()
	k.ws, k.paused = w, false
	k.startLocked()
	k.mu.Unlock()
	close(k.upgraded)
}

// probe opens a WebSocket that the server answers on.
func (k *conn) probe(ctx context.Context) (*socket, error) {
	w, err := k.dialWebSocket(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, w.close)
	defer stop()
	err = w.write([]eiowire.Packet{{Type: eiowire.Ping, Data: []byte("probe")}})
	if err == nil {
		var p eiowire.Packet
		if p, err = w.read(); err == nil && (p.Type != eiowire.Pong || string(p.Data) != "probe") {
			err = errors.New("the server does not answer the probe")
		}
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// socket is a WebSocket.
type socket struct {
	net  net.Conn
	r    *bufio.Reader
	most int
	mine chan struct{} // of an upgrade: closed when polling has ended

	writing sync.Mutex
}

// writeTimeout is how long the network may take for what is written at once.
const writeTimeout = 20 * time.Second

func (k *conn) dialWebSocket(ctx context.Context) (*socket, error) {
	u := k.address(WebSocket)
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	conn, err := k.c.opts.Dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, unreachable(WebSocket, err)
	}
	if u.Scheme == "https" {
		config := k.c.opts.TLS.Clone()
		if config == nil {
			config = new(tls.Config)
		}
		if config.ServerName == "" {
			config.ServerName = u.Hostname()
		}
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, unreachable(WebSocket, err)
		}
		conn = secure
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // does not fail
	key := base64.StdEncoding.EncodeToString(nonce[:])
	req := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: k.header()}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "websocket")
	req.Header.Set("Sec-WebSocket-Version", "13")
	req.Header.Set("Sec-WebSocket-Key", key)
	w := &socket{net: conn, r: bufio.NewReaderSize(conn, 1024), most: k.c.opts.MaxMessage}
	err = req.Write(conn)
	var res *http.Response
	if err == nil {
		res, err = http.ReadResponse(w.r, req)
	}
	if err != nil {
		w.close()
		return nil, unreachable(WebSocket, err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		defer w.close()
		return nil, refusal(WebSocket, res)
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if res.Header.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]) {
		w.close()
		return nil, &HandshakeError{Transport: WebSocket, Status: res.StatusCode, Text: "the answer is no WebSocket's: is there a proxy that keeps answers?"}
	}
	return w, nil
}

// read returns the next packet; io.EOF is an orderly end.
func (w *socket) read() (eiowire.Packet, error) {
	var message []byte
	var kind ws.Op
	for {
		fin, op, data, err := w.frame(len(message))
		if err != nil {
			return eiowire.Packet{}, err
		}
		switch op {
		case ws.Close:
			return eiowire.Packet{}, io.EOF
		case ws.Ping:
			if err := w.send(ws.AppendMaskedFrame(nil, ws.Pong, data, mask())); err != nil {
				return eiowire.Packet{}, err
			}
			continue
		case ws.Pong:
			continue
		case ws.Text, ws.Binary:
			kind, message = op, data
		case 0: // goes on
			message = append(message, data...)
		default:
			return eiowire.Packet{}, fmt.Errorf("the server sent a frame of kind %d", op)
		}
		if fin {
			return eiowire.DecodeFrame(4, message, kind == ws.Binary)
		}
	}
}

func (w *socket) frame(have int) (fin bool, op ws.Op, data []byte, err error) {
	var h [10]byte
	if _, err := io.ReadFull(w.r, h[:2]); err != nil {
		return false, 0, nil, err
	}
	n := uint64(h[1] & 0x7f)
	if h[0]&0x70 != 0 || h[1]&0x80 != 0 {
		return false, 0, nil, errors.New("the server sent a frame that is compressed or masked")
	}
	if n >= 126 {
		width := map[uint64]int{126: 2, 127: 8}[n]
		if _, err := io.ReadFull(w.r, h[10-width:]); err != nil {
			return false, 0, nil, err
		}
		clear(h[2 : 10-width])
		n = binary.BigEndian.Uint64(h[2:])
	}
	if n > uint64(w.most) || have+int(n) > w.most {
		return false, 0, nil, fmt.Errorf("the server sent a message of more than %d bytes (Options.MaxMessage)", w.most)
	}
	data = make([]byte, n)
	_, err = io.ReadFull(w.r, data)
	return h[0]&0x80 != 0, ws.Op(h[0] & 0xf), data, err
}

func mask() (key [4]byte) {
	_, _ = rand.Read(key[:]) // does not fail
	return key
}

// write sends packets with one call.
func (w *socket) write(batch []eiowire.Packet) error {
	var out []byte
	for _, p := range batch {
		if p.Binary {
			out = ws.AppendMaskedFrame(out, ws.Binary, p.Data, mask())
		} else {
			out = ws.AppendMaskedFrame(out, ws.Text, append([]byte{p.Type.Char()}, p.Data...), mask())
		}
	}
	return w.send(out)
}

func (w *socket) send(frames []byte) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	if err := w.net.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := w.net.Write(frames)
	return err
}

// goodbye says that the client leaves.
func (w *socket) goodbye() {
	_ = w.net.SetWriteDeadline(time.Now().Add(time.Second))                                         // the server may have stopped reading
	_, _ = w.net.Write(ws.AppendMaskedFrame(nil, ws.Close, []byte{1000 >> 8, 1000 & 0xff}, mask())) // if it is gone there is nobody to tell
}

func (w *socket) close() { _ = w.net.Close() }
