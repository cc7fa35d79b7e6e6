package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is all clients of one round, and what they have met.
type crowd struct {
	opts  options
	out   io.Writer
	addr  string
	rooms int
	dials chan struct{} // bounds the handshakes under way
	stop  chan struct{}
	open  atomic.Int64 // connections
	count counts

	mu     sync.Mutex
	faults map[string]int
	polled []string // queries of sessions that were on polling
	wrong  []string
	more   int // broken promises beyond those in wrong
}

type counts struct{ sent, received, acks, final atomic.Uint64 }

func newCrowd(opts options, addr string, out io.Writer) *crowd {
	return &crowd{
		opts: opts, out: out, addr: addr, rooms: max(4, opts.Clients/8),
		dials: make(chan struct{}, 64), faults: map[string]int{},
	}
}

// broken notes a promise that was not kept.
func (c *crowd) broken(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.wrong) >= 20 {
		c.more++
		return
	}
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
	fmt.Fprintln(c.out, "BROKEN:", c.wrong[len(c.wrong)-1]) // at once: whoever watches may want to look
}

func (c *crowd) happened(fault string) {
	c.mu.Lock()
	c.faults[fault]++
	c.mu.Unlock()
}

func (c *crowd) polls(p *polling) {
	if c.opts.Tidy {
		c.mu.Lock()
		c.polled = append(c.polled, p.query)
		c.mu.Unlock()
	}
}

func (c *crowd) stopping() bool {
	select {
	case <-c.stop:
		return true
	default:
		return false
	}
}

// seen reports whether each fault has happened.
func (c *crowd) seen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.faults) == len(earlies)+len(passings)+len(endings)
}

// total is the number of faults.
func (c *crowd) total() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.faults {
		n += k
	}
	return n
}

// round holds the clients until over says that it is enough, has those that
// are connected then settle their accounts, and sends all of them home. all
// sends a message to everybody and returns its number.
func (c *crowd) round(seed uint64, over func() error, all func() (uint64, error)) error {
	c.stop = make(chan struct{})
	left := make(chan *visit, c.opts.Clients)
	for i := range c.opts.Clients {
		client := &client{crowd: c, no: i, rng: rand.New(rand.NewPCG(seed, uint64(i)))}
		go func() { left <- client.live() }()
	}
	err := over()
	close(c.stop)
	var visits []*visit
	for range c.opts.Clients {
		if v := <-left; v != nil {
			visits = append(visits, v)
		}
	}
	err = errors.Join(err, c.settle(visits, all))
	each(visits, func(v *visit) {
		v.leave(&endings[v.c.rng.IntN(4)])
		v.finish()
	})
	if c.opts.Tidy {
		err = errors.Join(err, c.tidy())
	}
	return err
}

// tidy closes the polling sessions that nobody came back to. Without, the
// heartbeat does that, which takes its time.
func (c *crowd) tidy() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, query := range c.polled {
		p, err := dialPolling(c.addr, 4, query)
		if err != nil {
			return err
		}
		_ = p.send(text("1")) // most are closed already, and this is refused
		p.cut()
	}
	c.polled = nil
	return nil
}

func each(visits []*visit, do func(v *visit)) {
	var wg sync.WaitGroup
	for _, v := range visits {
		wg.Go(func() { do(v) })
	}
	wg.Wait()
}

// settle is the last thing healthy clients do. Nothing else happens meanwhile,
// so it is known who must have heard what, to the last message.
func (c *crowd) settle(visits []*visit, all func() (uint64, error)) error {
	each(visits, func(v *visit) {
		v.mute.Store(false)
		for room, in := range v.rooms {
			if !in {
				continue
			}
			if err := v.say(room, true); err != nil && err != errGone {
				c.broken("%s: %v", v, err)
			}
		}
	})
	n, err := all()
	if err != nil {
		return err
	}
	// What was sent to a client before this answer has come before it.
	each(visits, func(v *visit) {
		if err := v.echo(); err != nil && err != errGone {
			c.broken("%s: %v", v, err)
		}
	})
	c.compare(visits, n)
	c.count.final.Add(uint64(len(visits)))
	return nil
}

// compare compares what each client has said in its rooms with what the others
// there have heard. n messages went to all.
func (c *crowd) compare(visits []*visit, n uint64) {
	in := map[string][]*visit{}
	for _, v := range visits {
		for room, joined := range v.rooms {
			if joined {
				in[room] = append(in[room], v)
			}
		}
	}
	for room, members := range in {
		for _, v := range members {
			v.mu.Lock()
			for _, sender := range members {
				if heard := v.streams[stream{sender.id, room}]; heard != sender.said[room] {
					c.broken("%s has heard message %d of client %d in %s last, which said %d", v, heard, sender.c.no, room, sender.said[room])
				}
			}
			v.mu.Unlock()
		}
	}
	for _, v := range visits {
		v.mu.Lock()
		last := v.all
		v.mu.Unlock()
		if last != n {
			c.broken("%s has heard message %d to all last, of %d", v, last, n)
		}
	}
}

// enough returns after d, or as soon as stop is closed or tick fails, which is
// called meanwhile. A short round lasts until each fault has happened.
func (c *crowd) enough(d, every time.Duration, stop <-chan struct{}, tick func() error) error {
	end := time.Now().Add(d)
	t := time.NewTicker(every)
	defer t.Stop()
	for time.Now().Before(end) || c.opts.Tidy && !c.seen() {
		select {
		case <-t.C:
			if err := tick(); err != nil {
				return err
			}
		case <-stop:
			return nil
		}
	}
	return nil
}
