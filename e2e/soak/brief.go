package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Very many polling sessions that are short and healthy: each connects, asks a
// few things over two connections that others have used before, and leaves. None
// may be refused anything, or be forgotten.

// brief runs so many of them at a time, and says how many there were.
func brief(o options, stop <-chan struct{}, out io.Writer) error {
	fmt.Fprintf(out, "soak: short polling sessions, %d at a time, for %v; seed %d; a line about every %v\n", o.Brief, o.For, o.Seed, o.Every)
	srv, err := start(o.Log)
	if err != nil {
		return err
	}
	var passed atomic.Uint64
	over := make(chan struct{})
	end := sync.OnceFunc(func() { close(over) })
	var mu sync.Mutex
	var wrong []error
	var workers sync.WaitGroup
	for i := range o.Brief {
		v := &briefVisitor{addr: srv.Addr, rnd: rand.New(rand.NewPCG(o.Seed, uint64(i)))}
		workers.Go(func() {
			defer v.close()
			for {
				select {
				case <-over:
					return
				default:
				}
				if err := v.visit(); err != nil {
					mu.Lock()
					wrong = append(wrong, err)
					mu.Unlock()
					end()
					return
				}
				passed.Add(1)
			}
		})
	}
	begun := time.Now()
	lines := time.NewTicker(o.Every)
	defer lines.Stop()
	until := time.After(o.For)
	for going := true; going; {
		select {
		case <-lines.C:
			fmt.Fprintf(out, "%v: %d sessions\n", time.Since(begun).Round(time.Second), passed.Load())
			continue
		case <-until:
		case <-stop:
		case <-over:
		}
		going = false
	}
	end()
	workers.Wait()
	fmt.Fprintf(out, "%d sessions in %v, %d of them were wronged\n", passed.Load(), time.Since(begun).Round(time.Second), len(wrong))
	return errors.Join(append(wrong, srv.end())...)
}

type briefVisitor struct {
	addr  string
	rnd   *rand.Rand
	conns [2]*briefConn
}

type briefConn struct {
	net.Conn
	r *bufio.Reader
}

func (v *briefVisitor) close() {
	for i, c := range v.conns {
		if c != nil {
			_ = c.Close() // what was asked has been answered
			v.conns[i] = nil
		}
	}
}

// visit is one session.
func (v *briefVisitor) visit() error {
	if v.rnd.IntN(20) == 0 {
		v.close()
	}
	for i := range v.conns {
		if v.conns[i] == nil {
			c, err := net.Dial("tcp", v.addr)
			if err != nil {
				return err
			}
			v.conns[i] = &briefConn{c, bufio.NewReader(c)}
		}
	}
	query := "EIO=4&transport=polling"
	body, err := v.any().ask("GET", query, "")
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	_, sid, _ := strings.Cut(body, `"sid":"`)
	sid, _, _ = strings.Cut(sid, `"`)
	query += "&sid=" + sid
	at := func(step string, err error) error {
		return fmt.Errorf("session %.6s…: %s: %w", sid, step, err)
	}
	if _, err = v.any().ask("POST", query, "40"); err != nil {
		return at("join", err)
	}
	if body, err = v.any().ask("GET", query, ""); err != nil || !strings.HasPrefix(body, "40") {
		return at("joined", errors.Join(err, fmt.Errorf("%.60q", body)))
	}
	for i := range v.rnd.IntN(4) {
		if body, err = v.both(query, fmt.Sprintf(`42%d["echo",%d]`, i, i)); err != nil || body != fmt.Sprintf(`43%d[%d]`, i, i) {
			return at("echo", errors.Join(err, fmt.Errorf("%.60q", body)))
		}
	}
	if v.rnd.IntN(2) == 0 {
		if body, err = v.both(query, "1"); err != nil || body != "6" {
			return at("leave with a poll", errors.Join(err, fmt.Errorf("%.60q", body)))
		}
	} else if _, err = v.any().ask("POST", query, "1"); err != nil {
		return at("leave", err)
	}
	return nil
}

func (v *briefVisitor) any() *briefConn { return v.conns[v.rnd.IntN(2)] }

// both posts on one connection and polls on the other at once, in any order.
func (v *briefVisitor) both(query, packet string) (polled string, err error) {
	poll, post := v.conns[0], v.conns[1]
	if v.rnd.IntN(2) == 0 {
		poll, post = post, poll
	}
	send := []func() error{
		func() error { return poll.send("GET", query, "") },
		func() error { return post.send("POST", query, packet) },
	}
	if v.rnd.IntN(2) == 0 {
		send[0], send[1] = send[1], send[0]
	}
	err = errors.Join(send[0](), send[1]())
	if err == nil {
		_, err = post.answer()
	}
	polled, e := poll.answer()
	return polled, errors.Join(err, e)
}

func (c *briefConn) ask(method, query, body string) (string, error) {
	if err := c.send(method, query, body); err != nil {
		return "", err
	}
	return c.answer()
}

func (c *briefConn) send(method, query, body string) error {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	length := ""
	if method == http.MethodPost {
		length = fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	_, err := fmt.Fprintf(c, "%s /socket.io/?%s HTTP/1.1\r\nHost: soak\r\n%s\r\n%s", method, query, length, body)
	return err
}

// answer is the body of the next answer, whose status has to be 200.
func (c *briefConn) answer() (string, error) {
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %.100s", res.StatusCode, body)
	}
	return string(body), err
}
