//go:build linux

package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// seqWidth is the fixed number of digits of a message's sequence number.
const seqWidth = 10

// seqMark brackets the sequence number inside a payload, so that a receiver
// finds it wherever the server's JSON encoder has put it.
const seqMark = '#'

// payload is a JSON value of a chosen size and kind with room for a sequence
// number.
type payload struct {
	text []byte
	at   int // offset of the digits in text
}

// newPayload makes a JSON string ("string") or object ("object") of about
// size bytes.
func newPayload(kind string, size int) (*payload, error) {
	seq := string(seqMark) + strings.Repeat("0", seqWidth) + string(seqMark)
	var head, tail string
	switch kind {
	case "string":
		head, tail = `"`+seq, `"`
	case "object":
		// Keys in alphabetical order, so that encoders that sort keep it.
		head = `{"active":true,"author":{"id":4211,"name":"Ada Lovelace","roles":["admin","editor"]},` +
			`"body":"`
		tail = `","created":1732100000123,"id":"` + seq + `","meta":{"lang":"en","score":12.75,"tags":` +
			`["alpha","beta","gamma","delta"]},"room":"general","seen":[1,2,3,5,8,13,21,34]}`
	default:
		return nil, fmt.Errorf("unknown payload kind %q", kind)
	}
	var pad string
	if fill := size - len(head) - len(tail); fill > 0 {
		const words = "the quick brown fox jumps over the lazy dog "
		pad = strings.Repeat(words, fill/len(words)+1)[:fill]
	}
	p := &payload{text: []byte(head + pad + tail)}
	p.at = bytes.IndexByte(p.text, seqMark) + 1
	return p, nil
}

// set puts a sequence number into the payload and returns its text, which is
// good until the next call.
func (p *payload) set(seq uint64) []byte {
	digits := p.text[p.at : p.at+seqWidth]
	for i := seqWidth - 1; i >= 0; i-- {
		digits[i] = byte('0' + seq%10)
		seq /= 10
	}
	return p.text
}

// findSeq extracts the sequence number from a received packet.
func findSeq(packet []byte) (uint64, bool) {
	i := bytes.IndexByte(packet, seqMark)
	if i < 0 || len(packet) < i+seqWidth+2 || packet[i+seqWidth+1] != seqMark {
		return 0, false
	}
	v, err := strconv.ParseUint(string(packet[i+1:i+1+seqWidth]), 10, 64)
	return v, err == nil
}

// payload names the payload that the flags ask for.
func (c *config) payload() string { return fmt.Sprintf("%s:%d", c.kind, c.size) }
