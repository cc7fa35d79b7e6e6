package socketiotest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/eiowire"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// maxFrame bounds what a client takes from the server in one frame.
const maxFrame = 256 << 20

// webSocket is the websocket transport.
type webSocket struct {
	c    *conn
	link *end
	r    *bufio.Reader
}

// dialWebSocket opens a websocket.
func (c *conn) dialWebSocket() (*webSocket, error) {
	link, err := c.s.l.dial(c.ctx)
	if err != nil {
		return nil, err
	}
	c.watch(link)
	req := &http.Request{Method: http.MethodGet, URL: c.url(WebSocket), Header: c.header()}
	for k, v := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "c29ja2V5ZSB0ZXN0IGtleQ==",
	} {
		req.Header.Set(k, v)
	}
	if err := req.Write(link); err != nil {
		_ = link.Close()
		return nil, err
	}
	w := &webSocket{c: c, link: link, r: bufio.NewReader(link)}
	res, err := http.ReadResponse(w.r, req)
	if err != nil {
		_ = link.Close()
		return nil, err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		defer link.Close()
		return nil, readError(res)
	}
	return w, nil
}

// openWebSocket opens a session on a websocket.
func (c *conn) openWebSocket() error {
	w, err := c.dialWebSocket()
	if err != nil {
		return err
	}
	p, err := w.read()
	if err == nil {
		_, err = c.opened(p)
	}
	if err != nil {
		_ = w.link.Close()
		return err
	}
	c.wire = w
	go func() { c.finished(w.run()) }()
	return nil
}

// run reads until the end.
func (w *webSocket) run() error {
	for {
		p, err := w.read()
		if err != nil {
			return err
		}
		if err := w.c.take(p); err != nil {
			return err
		}
	}
}

// read returns the next packet. io.EOF is an orderly end.
func (w *webSocket) read() (eiowire.Packet, error) {
	for {
		op, data, err := w.frame()
		switch {
		case err != nil:
			return eiowire.Packet{}, err
		case op == ws.Close:
			return eiowire.Packet{}, io.EOF
		case op == ws.Text, op == ws.Binary:
			return eiowire.DecodeFrame(4, data, op == ws.Binary)
		case op == ws.Ping:
			if err := w.write(ws.Pong, data); err != nil {
				return eiowire.Packet{}, err
			}
		}
	}
}

// frame reads one frame. The server does not split messages.
func (w *webSocket) frame() (ws.Op, []byte, error) {
	var h [8]byte
	if _, err := io.ReadFull(w.r, h[:2]); err != nil {
		return 0, nil, err
	}
	first, n := h[0], uint64(h[1])
	width := 0
	switch {
	case first&0x80 == 0 || first&0x70 != 0 || n&0x80 != 0:
		return 0, nil, errors.New("socketiotest: the server sent a frame that is split, compressed or masked")
	case n == 126:
		width = 2
	case n == 127:
		width = 8
	}
	if width > 0 {
		if _, err := io.ReadFull(w.r, h[8-width:]); err != nil {
			return 0, nil, err
		}
		clear(h[:8-width])
		n = binary.BigEndian.Uint64(h[:])
	}
	if n > maxFrame {
		return 0, nil, fmt.Errorf("socketiotest: the server sent a frame of %d bytes", n)
	}
	data := make([]byte, n)
	_, err := io.ReadFull(w.r, data)
	return ws.Op(first & 0xf), data, err
}

func (w *webSocket) name() string { return WebSocket }

func (w *webSocket) send(packets ...eiowire.Packet) error {
	for _, p := range packets {
		var err error
		if p.Binary {
			err = w.write(ws.Binary, p.Data)
		} else {
			err = w.write(ws.Text, append([]byte{p.Type.Char()}, p.Data...))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *webSocket) write(op ws.Op, data []byte) error {
	_, err := w.link.Write(ws.AppendMaskedFrame(nil, op, data, [4]byte{0x53, 0x6f, 0x63, 0x6b}))
	return err
}

func (w *webSocket) close() {
	_ = w.link.SetWriteDeadline(time.Now().Add(time.Second)) // the server may have stopped reading
	_ = w.write(ws.Close, []byte{1000 >> 8, 1000 & 0xff})    // if the link is gone there is nobody to tell
	_ = w.link.Close()
}
