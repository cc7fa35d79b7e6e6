package socketiotest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/eiowire"
)

// polling is the long polling transport.
type polling struct {
	c    *conn
	http http.Client

	stop context.CancelFunc // the poll that waits
	ctx  context.Context
}

// openPolling opens a session on polling, and upgrades it if asked to.
func (c *conn) openPolling(upgrade bool) error {
	p := &polling{c: c}
	p.http.Transport = &http.Transport{
		DialContext:        p.dial,
		DisableCompression: true,
	}
	p.ctx, p.stop = context.WithCancel(c.ctx)
	packets, err := p.poll()
	if err != nil {
		p.idle()
		return err
	}
	if len(packets) == 0 {
		p.idle()
		return errors.New("socketiotest: the server sent nothing first")
	}
	if _, err := c.opened(packets[0]); err != nil {
		p.idle()
		return err
	}
	c.wire = p
	go func() { c.finished(p.run(packets[1:], upgrade)) }()
	return nil
}

// run polls until the end, or until the connection has been upgraded, and then
// reads the websocket.
func (p *polling) run(packets []eiowire.Packet, upgrade bool) error {
	defer p.idle()
	var probe chan probed
	if upgrade {
		probe = make(chan probed, 1)
		go func() {
			w, err := p.c.probe()
			probe <- probed{w, err}
		}()
	}
	for {
		for _, packet := range packets {
			if err := p.c.take(packet); err != nil {
				p.abandon(probe)
				return err
			}
		}
		if probe != nil && released(packets) {
			r := <-probe
			if r.err != nil {
				return fmt.Errorf("upgrade: %w", r.err)
			}
			if err := p.c.switchTo(r.w); err != nil {
				_ = r.w.link.Close()
				return err
			}
			p.http.CloseIdleConnections()
			return r.w.run()
		}
		var err error
		if packets, err = p.poll(); err != nil {
			p.abandon(probe)
			return err
		}
	}
}

// released reports whether the server has ended a poll for the upgrade's sake:
// once it has answered the probe.
func released(packets []eiowire.Packet) bool {
	return slices.ContainsFunc(packets, func(p eiowire.Packet) bool { return p.Type == eiowire.Noop })
}

type probed struct {
	w   *webSocket
	err error
}

// abandon waits for a probe that has lost its purpose.
func (p *polling) abandon(probe chan probed) {
	if probe == nil {
		return
	}
	p.c.cancel()
	if r := <-probe; r.w != nil {
		_ = r.w.link.Close()
	}
}

// probe opens a websocket for the session.
func (c *conn) probe() (*webSocket, error) {
	w, err := c.dialWebSocket()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(c.ctx, w.link.cut)
	defer stop()
	if err := w.send(eiowire.Packet{Type: eiowire.Ping, Data: []byte("probe")}); err != nil {
		_ = w.link.Close()
		return nil, err
	}
	p, err := w.read()
	if err == nil && (p.Type != eiowire.Pong || string(p.Data) != "probe") {
		err = fmt.Errorf("the server answered the probe with a packet of type %d", p.Type)
	}
	if err != nil {
		_ = w.link.Close()
		return nil, err
	}
	return w, nil
}

// switchTo makes w the transport. No poll waits.
func (c *conn) switchTo(w *webSocket) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	if err := w.send(eiowire.Packet{Type: eiowire.Upgrade}); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reason != "" {
		return errDisconnected
	}
	c.wire = w
	return nil
}

// poll asks for packets, and waits until there are some.
func (p *polling) poll() ([]eiowire.Packet, error) {
	body, err := p.do(p.ctx, http.MethodGet, nil)
	if err != nil {
		return nil, err
	}
	var packets []eiowire.Packet
	for payload := eiowire.NewPayload(eiowire.Text4, body); payload.More(); {
		packet, err := payload.Next()
		if err != nil {
			return nil, err
		}
		packets = append(packets, packet)
	}
	return packets, nil
}

func (p *polling) do(ctx context.Context, method string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.c.url(Polling).String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = p.c.header()
	if body != nil {
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	res, err := p.http.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, readError(res)
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

func (p *polling) name() string { return Polling }

func (p *polling) send(packets ...eiowire.Packet) error {
	var body []byte
	for _, packet := range packets {
		body = eiowire.Text4.Append(body, packet)
	}
	answer, err := p.do(p.c.ctx, http.MethodPost, body)
	if err == nil && string(answer) != "ok" {
		err = fmt.Errorf("socketiotest: the server answered a POST with %.40q", answer)
	}
	return err
}

func (p *polling) close() {
	ctx, cancel := context.WithTimeout(p.c.ctx, time.Second) // nobody may be reading the answer
	defer cancel()
	// If the server is gone there is nobody to tell.
	_, _ = p.do(ctx, http.MethodPost, eiowire.Text4.Append(nil, eiowire.Packet{Type: eiowire.Close}))
	p.stop()
}

// idle closes the connections that no request uses.
func (p *polling) idle() {
	p.stop()
	p.http.CloseIdleConnections()
}
