package ws

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

var errBlock = errors.New("would block")

// script is a source that gives its chunks one by one, at most as much as is
// asked for, and blocks at the end of each when told so.
type script struct {
	chunks [][]byte
	block  bool
	next   bool
	reads  int
}

func (s *script) Read(b []byte) (int, error) {
	s.reads++
	if s.next {
		s.next = false
		return 0, errBlock
	}
	if len(s.chunks) == 0 {
		return 0, io.EOF
	}
	n := copy(b, s.chunks[0])
	if s.chunks[0] = s.chunks[0][n:]; len(s.chunks[0]) == 0 {
		s.chunks = s.chunks[1:]
		s.next = s.block
	}
	return n, nil
}

// recorder keeps what a Reader delivers, as text.
type recorder struct {
	events []string
	stop   func(n int) error // after event n
}

func (r *recorder) Message(op Op, data []byte) error {
	r.events = append(r.events, event(op, data))
	for i := range data {
		data[i] = 0xEE // it is allowed
	}
	if r.stop != nil {
		return r.stop(len(r.events))
	}
	return nil
}

func event(op Op, data []byte) string {
	if len(data) > 64 {
		return fmt.Sprintf("%v %d bytes %x", op, len(data), fnv(data))
	}
	return fmt.Sprintf("%v %q", op, data)
}

func fnv(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// readAll runs r over chunks until src ends or the peer is refused. After each
// chunk src blocks once.
func readAll(r *Reader, lim *Limits, h Handler, chunks ...[]byte) error {
	src := &script{chunks: chunks, block: true}
	for {
		err := r.Read(src, lim, h)
		if err != nil && err != errBlock && err != errStop {
			return err
		}
	}
}

var errStop = errors.New("stop")

// read is readAll in one piece, which the result does not depend on.
func read(lim Limits, deflate bool, in []byte) ([]string, error) {
	var rec recorder
	r := Reader{Deflate: deflate}
	err := readAll(&r, &lim, &rec, bytes.Clone(in))
	return rec.events, err
}

var key = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// frame is a frame of a client: its first byte and payload.
func frame(first byte, payload string) []byte {
	b := append(appendHeader(nil, first, maskBit, len(payload)), key[:]...)
	n := len(b)
	b = append(b, payload...)
	mask(b[n:], key)
	return b
}

func frames(fs ...[]byte) []byte { return bytes.Join(fs, nil) }

const (
	fin  = finBit
	text = byte(Text)
	bin  = byte(Binary)
)

// refused checks that in ends in an *Error with a code.
func refused(t *testing.T, name string, lim Limits, deflate bool, in []byte, code CloseCode, words string) {
	t.Helper()
	_, err := read(lim, deflate, in)
	var e *Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Text, words) {
		t.Errorf("%s: %v, want %d with %q", name, err, code, words)
	}
}
