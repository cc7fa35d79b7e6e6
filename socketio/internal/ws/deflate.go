package ws

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"sync"
)

// Both sides reset their compression after each message (no context takeover),
// so that a message can be compressed once for all receivers, and an idle
// connection keeps no window.

// tail is what permessage-deflate leaves out at the end of each message: the
// empty stored block of a flush.
const tail = "\x00\x00\xff\xff"

// inflateTail is what is added for reading: tail, and a last block, after which
// flate reports io.EOF.
const inflateTail = tail + "\x01\x00\x00\xff\xff"

// maxStreams bounds the last blocks in one message: each costs as much as a
// new message does, and whoever ends with one at all ends with one.
const maxStreams = 16

// deflateBound is the most that a message of n bytes may take compressed: a
// compressor stores what it cannot make smaller, which costs five bytes for
// each block, and may flush now and then.
func deflateBound(n int) int {
	const slack = 1 << 10
	if n > int(maxInt)-n/64-slack {
		return int(maxInt)
	}
	return n + n/64 + slack
}

// inflater is a flate reader and its input. It has ReadByte, so that flate
// takes no more than it needs.
type inflater struct {
	data []byte
	tail string
	r    io.ReadCloser // also a flate.Resetter
}

var inflaters = sync.Pool{New: func() any {
	in := new(inflater)
	in.r = flate.NewReader(in)
	return in
}}

func (in *inflater) ReadByte() (byte, error) {
	if len(in.data) > 0 {
		b := in.data[0]
		in.data = in.data[1:]
		return b, nil
	}
	if len(in.tail) > 0 {
		b := in.tail[0]
		in.tail = in.tail[1:]
		return b, nil
	}
	return 0, io.EOF
}

func (in *inflater) Read(b []byte) (int, error) {
	if n := copy(b, in.data); n > 0 || len(b) == 0 {
		in.data = in.data[n:]
		return n, nil
	}
	n := copy(b, in.tail)
	in.tail = in.tail[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// inflated is data in a buffer from the pool.
type inflated struct {
	buf  *buffer
	data []byte
}

// inflate decompresses a message, of which no more than most bytes are accepted.
// The buffer grows with what comes out.
func inflate(data []byte, most int) (inflated, error) {
	in := inflaters.Get().(*inflater)
	out := getBuffer(0)
	n, err := in.inflate(data, &out, most)
	in.data, in.tail = nil, ""
	inflaters.Put(in)
	if err != nil {
		putBuffer(out)
		return inflated{}, err
	}
	return inflated{out, out.b[:n:n]}, nil
}

func (in *inflater) inflate(data []byte, out **buffer, most int) (n int, err error) {
	in.data, in.tail = data, inflateTail
	var window []byte
	for range maxStreams {
		if err := in.r.(flate.Resetter).Reset(in, window); err != nil {
			return 0, errDeflate
		}
		for {
			b := (*out).b
			if n == len(b) {
				grown := getBuffer(2 * n)
				copy(grown.b, b)
				putBuffer(*out)
				*out, b = grown, grown.b
			}
			k, err := in.r.Read(b[n:])
			if n += k; n > most {
				return 0, errTooBig
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				return 0, errDeflate
			}
		}
		if len(in.tail) == 0 {
			return n, nil
		}
		// It was a last block of the peer's own: more follows, which may refer
		// to what was before.
		window = bytes.Clone((*out).b[n-min(n, 32<<10) : n])
	}
	return 0, errDeflate
}

// errLevel is what NewDeflater says of a level that compress/flate has not.
var errLevel = errors.New("websocket: invalid compression level")

// Deflater makes compressed frames. It is safe for concurrent use.
type Deflater struct {
	level int
	pool  sync.Pool // of *deflater
}

type deflater struct {
	w   *flate.Writer
	dst []byte
}

func (d *deflater) Write(b []byte) (int, error) {
	d.dst = append(d.dst, b...)
	return len(b), nil
}

// NewDeflater returns a Deflater with a level of package compress/flate; zero,
// which there means not to compress, means flate.BestSpeed.
func NewDeflater(level int) (*Deflater, error) {
	if level == 0 {
		level = flate.BestSpeed
	}
	if level < flate.HuffmanOnly || level > flate.BestCompression {
		return nil, errLevel
	}
	return &Deflater{level: level}, nil
}

// AppendFrame appends payload as a compressed frame that is a whole message.
func (d *Deflater) AppendFrame(dst []byte, op Op, payload []byte) []byte {
	p := d.compress(payload)
	first := finBit | rsv1Bit | byte(op)
	dst = append(appendHeader(dst, first, 0, len(p.dst)), p.dst...)
	d.put(p)
	return dst
}

// compress returns a deflater whose dst is payload compressed.
func (d *Deflater) compress(payload []byte) *deflater {
	p, ok := d.pool.Get().(*deflater)
	if !ok {
		p = new(deflater)
		// The level has been checked, and writing to memory cannot fail.
		p.w, _ = flate.NewWriter(p, d.level)
	}
	p.dst = p.dst[:0]
	p.w.Reset(p)
	_, _ = p.w.Write(payload)
	_ = p.w.Flush()
	p.dst = bytes.TrimSuffix(p.dst, []byte(tail))
	return p
}

func (d *Deflater) put(p *deflater) {
	if cap(p.dst) > maxBuffer {
		p.dst = nil
	}
	d.pool.Put(p)
}
