package ginio_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// poller is as much of a Socket.IO client over long polling as these tests
// need: it shows the bytes.
type poller struct {
	client *http.Client
	url    string // with sid, once open

	pending []string // packets of the last answer
}

func newPoller(base string) *poller {
	return &poller{client: &http.Client{Transport: &http.Transport{DisableCompression: true}}, url: base + "?EIO=4&transport=polling"}
}

func (p *poller) close() { p.client.CloseIdleConnections() }

func (p *poller) do(method, body string, header http.Header) (string, error) {
	req, err := http.NewRequest(method, p.url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	if header != nil {
		req.Header = header
	}
	res, err := p.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", res.Status, text)
	}
	if coding := res.Header.Get("Content-Encoding"); coding != "" {
		return coding + ":" + string(text), nil
	}
	return string(text), nil
}

// open makes the engine's handshake and joins the root namespace; a refusal is
// an error with the packet as its text. query goes along with the first request.
func (p *poller) open(query url.Values) error {
	base := p.url
	if len(query) > 0 {
		p.url += "&" + query.Encode()
	}
	text, err := p.do(http.MethodGet, "", nil)
	if err != nil {
		return err
	}
	var hello struct{ SID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "0")), &hello); err != nil {
		return fmt.Errorf("handshake %q: %w", text, err)
	}
	p.url = base + "&sid=" + hello.SID
	if _, err = p.do(http.MethodPost, "40", nil); err != nil {
		return err
	}
	answer, err := p.next()
	if err == nil && !strings.HasPrefix(answer, "40{") {
		err = errors.New(answer)
	}
	return err
}

// next returns the next packet that is no ping, polling for it if need be.
func (p *poller) next() (string, error) {
	for {
		if len(p.pending) == 0 {
			text, err := p.do(http.MethodGet, "", nil)
			if err != nil {
				return "", err
			}
			p.pending = strings.Split(text, "\x1e")
		}
		packet := p.pending[0]
		p.pending = p.pending[1:]
		if packet != "2" {
			return packet, nil
		}
		if _, err := p.do(http.MethodPost, "3", nil); err != nil {
			return "", err
		}
	}
}

// socket is a WebSocket connection to a server.
type socket struct {
	net.Conn
	r *bufio.Reader
}

func newSocket(base string) (*socket, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	s := &socket{conn, bufio.NewReader(conn)}
	fmt.Fprintf(conn, "GET %s?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAccept-Encoding: gzip\r\n\r\n", u.Path, u.Host)
	res, err := http.ReadResponse(s.r, nil)
	if err == nil && res.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("status %s", res.Status)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// read returns the next frame's payload; a server does not mask.
func (s *socket) read() (string, error) {
	var head [2]byte
	if _, err := io.ReadFull(s.r, head[:]); err != nil {
		return "", err
	}
	size := int(head[1])
	if size == 126 {
		var long [2]byte
		if _, err := io.ReadFull(s.r, long[:]); err != nil {
			return "", err
		}
		size = int(binary.BigEndian.Uint16(long[:]))
	}
	var b bytes.Buffer
	_, err := io.CopyN(&b, s.r, int64(size))
	return b.String(), err
}

// write sends a short text frame, masked with zeros.
func (s *socket) write(text string) error {
	_, err := s.Write(append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...))
	return err
}

// first joins the root namespace and returns the packet behind the answer, or
// the answer if it is a refusal.
func (p *poller) first(query url.Values) string {
	if err := p.open(query); err != nil {
		return err.Error()
	}
	packet, err := p.next()
	if err != nil {
		return err.Error()
	}
	return packet
}
