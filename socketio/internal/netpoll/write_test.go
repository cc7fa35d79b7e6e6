package netpoll

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// Frames of one writer stay in order and whole, however many write at once.
func TestOrderOfConcurrentWriters(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		const writers, frames = 8, 1000
		p := start(t, k.config(Config{MaxQueue: 64 << 20}))
		s, client := k.source()
		defer client.Close()
		c := add(t, p, s, funcs{})
		for w := range writers {
			go func() {
				for i := range frames {
					f := make([]byte, 16+w*50)
					binary.BigEndian.PutUint32(f, uint32(w))
					binary.BigEndian.PutUint32(f[4:], uint32(i))
					if err := c.Write(f); err != nil {
						t.Error(err)
						return
					}
				}
			}()
		}
		var next [writers]uint32
		buf := make([]byte, 16+writers*50)
		client.SetDeadline(time.Now().Add(patience))
		for range writers * frames {
			if _, err := io.ReadFull(client, buf[:8]); err != nil {
				t.Fatal(err)
			}
			w, i := binary.BigEndian.Uint32(buf), binary.BigEndian.Uint32(buf[4:])
			if w >= writers || i != next[w] {
				t.Fatalf("writer %d: got frame %d", w, i)
			}
			next[w]++
			if _, err := io.ReadFull(client, buf[:8+w*50]); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A client that does not read fills the kernel's buffers, then its queue; the
// others are not affected; when it reads, it gets everything, and the handler
// is told.
func TestSlowReader(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{MaxQueue: 64 << 20}))
		s, slow := k.source()
		defer slow.Close()
		drained := make(chan struct{}, 10)
		c := add(t, p, s, funcs{drained: func(*Conn) { drained <- struct{}{} }})
		s, other := k.source()
		defer other.Close()
		add(t, p, s, funcs{readable: echo})
		handshake(t, slow)
		if c.Blocked() {
			t.Error("blocked from the beginning")
		}
		frame := make([]byte, 64<<10)
		for i := range frame {
			frame[i] = byte(i % 251)
		}
		const frames = 300
		for range frames {
			if err := c.Write(frame); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "blocked", c.Blocked)
		for range 50 {
			trip(t, other)
		}
		if c.Queued() == 0 {
			t.Fatal("everything fitted into the kernel")
		}
		slow.SetDeadline(time.Now().Add(patience))
		got := make([]byte, len(frame))
		for range frames {
			if _, err := io.ReadFull(slow, got); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, frame) {
				t.Fatal("damaged")
			}
		}
		within(t, "OnDrained", drained)
		if c.Queued() != 0 || c.Blocked() {
			t.Error("something is left:", c.Queued(), c.Blocked())
		}
	})
}

// A full queue refuses a frame, and drops nothing nor closes by itself.
func TestQueueBound(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		const bound = 100 << 10
		p := start(t, k.config(Config{MaxQueue: bound}))
		s, client := k.source()
		defer client.Close()
		c := add(t, p, s, funcs{})
		handshake(t, client)
		frame := make([]byte, 30<<10)
		accepted := 0
		eventually(t, "full", func() bool {
			switch err := c.Write(frame); err {
			case nil:
				accepted += len(frame)
				return false
			case ErrQueueFull:
				return c.Blocked()
			default:
				t.Fatal(err)
				return true
			}
		})
		if n := c.Queued(); n > bound {
			t.Errorf("%d bytes queued", n)
		}
		c.SetMaxQueue(2 * bound)
		if err := c.Write(frame); err != nil {
			t.Error("with a higher bound:", err)
		}
		accepted += len(frame)
		c.CloseWrite()
		client.SetDeadline(time.Now().Add(patience))
		if n, err := io.ReadFull(client, make([]byte, accepted)); err != nil {
			t.Errorf("got %d of %d: %v", n, accepted, err)
		}
	})
}

// A frame that is larger than the bound can be sent when nothing else waits.
func TestLargeFrame(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{MaxQueue: 1000}))
		s, client := k.source()
		defer client.Close()
		c := add(t, p, s, funcs{})
		if err := c.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		client.SetDeadline(time.Now().Add(patience))
		if _, err := io.ReadFull(client, make([]byte, 1<<20)); err != nil {
			t.Error(err)
		}
	})
}

// Dropping takes whole frames, the oldest first, and none that has begun.
func TestDropOldest(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		const size, bound = 10 << 10, 200 << 10
		p := start(t, k.config(Config{MaxQueue: bound}))
		s, client := k.source()
		defer client.Close()
		c := add(t, p, s, funcs{})
		handshake(t, client)
		sent, last := uint32(0), uint32(0)
		next := func() []byte {
			sent++
			return bytes.Repeat(binary.BigEndian.AppendUint32(nil, sent), size/4)
		}
		eventually(t, "full", func() bool {
			if err := c.Write(next()); err != nil {
				sent--
				return c.Blocked()
			}
			return false
		})
		frames, dropped := 0, 0
		eventually(t, "some dropped", func() bool { // a write that begins just now holds them
			frames, dropped = c.DropOldest(3 * size)
			return frames > 0
		})
		if frames > 3 || dropped != frames*size {
			t.Errorf("dropped %d frames, %d bytes", frames, dropped)
		}
		if f, b := c.DropOldestFunc(bound, func([]byte) bool { return false }); f != 0 || b != 0 {
			t.Error("dropped what is not to be:", f, b)
		}
		for range frames {
			if err := c.Write(next()); err != nil {
				t.Error(err)
			}
		}
		c.CloseWrite()
		client.SetDeadline(time.Now().Add(patience))
		got := make([]byte, size)
		count := 0
		for ; last != sent; count++ {
			if _, err := io.ReadFull(client, got); err != nil {
				t.Fatal(err)
			}
			v := binary.BigEndian.Uint32(got)
			if v <= last || !bytes.Equal(got, bytes.Repeat(got[:4], size/4)) {
				t.Fatalf("%d after %d", v, last)
			}
			last = v
		}
		if count != int(sent)-frames {
			t.Errorf("got %d frames of %d, %d dropped", count, sent, frames)
		}
	})
}

func TestBatchDrop(t *testing.T) {
	frames := func() (list []frame) {
		for i := range byte(4) {
			list = append(list, frame{b: []byte{i + 1, i + 1}})
		}
		return list
	}
	odd := func(f []byte) bool { return f[0]%2 == 1 }
	for _, c := range []struct {
		first, off, want int
		droppable        func([]byte) bool
		left             string
		bytes            int
	}{
		{0, 0, 1, nil, "\x02\x03\x04", 2},
		{0, 1, 3, nil, "\x01\x04", 4},
		{1, 0, 2, nil, "\x03\x04", 2},
		{3, 1, 2, nil, "\x04", 0},
		{0, 0, 9, nil, "", 8},
		{0, 0, 9, odd, "\x02\x04", 4},
		{0, 0, 0, nil, "\x01\x02\x03\x04", 0},
	} {
		b := batch{frames: frames(), first: c.first, off: c.off}
		n, bytes := b.drop(c.want, c.droppable)
		left := ""
		for _, f := range b.frames[min(b.first, len(b.frames)):] {
			left += string(f.b[:1])
		}
		if left != c.left || bytes != c.bytes || n != c.bytes/2 {
			t.Errorf("%+v: left %q, dropped %d, %d bytes", c, left, n, bytes)
		}
	}
}

// CloseWrite delivers all that is queued, then the end.
func TestCloseWrite(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{MaxQueue: 64 << 20}))
		s, client := k.source()
		closed := make(chan error, 1)
		c := add(t, p, s, funcs{closed: func(_ *Conn, err error) { closed <- err }})
		const frames = 100
		for range frames {
			c.Write(make([]byte, 64<<10))
		}
		c.CloseWrite()
		if err := c.Write([]byte("x")); err != net.ErrClosed {
			t.Error("write after CloseWrite:", err)
		}
		client.SetDeadline(time.Now().Add(patience))
		if n, err := io.Copy(io.Discard, client); n != frames*64<<10 || err != nil {
			t.Error(n, err)
		}
		client.Close()
		want := io.EOF
		if _, ok := client.(interface{ CloseWrite() error }); !ok {
			want = net.ErrClosed // it could not be half closed
		}
		if err := <-closed; !errors.Is(err, want) {
			t.Error(err)
		}
	})
}

// Output of a handler that blocks afterwards leaves all the same.
func TestWriteThenBlock(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{}))
		release := make(chan struct{})
		defer close(release)
		s, client := k.source()
		defer client.Close()
		add(t, p, s, funcs{
			readable: func(c *Conn) error {
				return each(c, func([]byte) error { c.Serve(); return nil })
			},
			served: func(c *Conn) {
				c.Write(make([]byte, 8))
				<-release
			},
		})
		trip(t, client)
	})
}

// To queue a frame and to write it allocates nothing, once pools are warm.
func TestWriteAllocates(t *testing.T) {
	if raceEnabled {
		return // sync.Pool drops things on purpose then
	}
	tcp := listen(t, "tcp")
	p := start(t, Config{})
	var received atomic.Int64
	var conns []*Conn
	for range 20 {
		s, client := tcp()
		defer client.Close()
		go func() {
			buf := make([]byte, 4096)
			for {
				n, err := client.Read(buf)
				if err != nil {
					return
				}
				received.Add(int64(n))
			}
		}()
		conns = append(conns, add(t, p, s, funcs{}))
	}
	frame := make([]byte, 100)
	want := int64(0)
	allocs := testing.AllocsPerRun(50, func() {
		for _, c := range conns {
			if err := c.Write(frame); err != nil {
				t.Fatal(err)
			}
		}
		want += int64(len(conns) * len(frame))
		for received.Load() != want {
		}
	})
	if allocs > 2 { // the pools are emptied by a collection now and then
		t.Errorf("%v allocations for a frame to %d connections", allocs, len(conns))
	}
}

// owner counts how often its frame was given back.
type owner struct{ released atomic.Int32 }

func (o *owner) Release() { o.released.Add(1) }

func TestOwnedFrames(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{}))
		s, peer := k.source()
		defer peer.Close()
		c := add(t, p, s, funcs{})
		handshake(t, peer)
		const frames = 100
		owners := make([]owner, frames)
		for i := range owners {
			b := bytes.Repeat([]byte{byte(i)}, 1000)
			err := c.WriteOwned(b, &owners[i])
			if i%3 == 0 {
				err = errors.Join(err, c.Write(b)) // between those that are shared
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		peer.SetDeadline(time.Now().Add(patience))
		for i := range owners {
			n := 1000
			if i%3 == 0 {
				n *= 2
			}
			got := make([]byte, n)
			if _, err := io.ReadFull(peer, got); err != nil {
				t.Fatal(err)
			}
			if got[0] != byte(i) || got[n-1] != byte(i) {
				t.Fatalf("frame %d: got %d and %d", i, got[0], got[n-1])
			}
		}
		eventually(t, "all given back", func() bool {
			for i := range owners {
				if owners[i].released.Load() != 1 {
					return false
				}
			}
			return true
		})
		c.Close(nil)
		var late owner
		if err := c.WriteOwned([]byte("x"), &late); !errors.Is(err, net.ErrClosed) || late.released.Load() != 0 {
			t.Errorf("after Close: %v, released %d times", err, late.released.Load())
		}
	})
}

// What is no frame is not counted, whatever it looks like.
func TestCountNothing(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{Counts: func(b []byte) bool { return b[0] == 'x' }}))
		s, client := k.source()
		defer client.Close()
		c := add(t, p, s, funcs{})
		client.SetDeadline(time.Now().Add(patience))
		say := func() {
			t.Helper()
			if err := c.Write([]byte("xyz")); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(client, make([]byte, 3)); err != nil {
				t.Fatal(err)
			}
		}
		say()
		eventually(t, "counted", func() bool { n, _ := p.Frames(); return n == 1 })
		c.CountNothing()
		say()
		say()
		eventually(t, "written", func() bool { return c.Queued() == 0 })
		if n, _ := p.Frames(); n != 1 {
			t.Errorf("%d frames counted", n)
		}
	})
}

// A connection on which nothing is to be read is quiet, until its peer says
// something or ends it.
func TestQuiet(t *testing.T) {
	if !Supported {
		return // there it is never known
	}
	for _, end := range []bool{false, true} {
		s, client := listen(t, "tcp")()
		defer client.Close()
		p := start(t, Config{})
		begun, over := make(chan struct{}), make(chan struct{})
		c := add(t, p, s, funcs{readable: func(c *Conn) error {
			select {
			case <-begun: // what comes is not read before it was looked for
			default:
				close(begun)
			}
			<-over
			return ErrPaused
		}})
		if !c.Quiet() {
			t.Error("it is not quiet at first")
		}
		if end {
			_ = client.Close()
		} else {
			if _, err := client.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		within(t, "input", begun)
		if c.Quiet() {
			t.Error("it is quiet")
		}
		close(over)
		c.Close(nil)
		if c.Quiet() {
			t.Error("it is quiet in the end")
		}
	}
}
