package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The client's own reading of the three protocols, so that server and client
// cannot share a misunderstanding.

const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xa
)

var errCloseFrame = errors.New("the server closed the websocket")

// appendFrame appends a masked frame. op may carry the FIN bit's absence: a
// fragment is appended with fin false.
func appendFrame(dst []byte, op byte, fin bool, payload []byte) []byte {
	if fin {
		op |= 0x80
	}
	dst = append(dst, op)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(n))
	}
	key := [4]byte{0x5a, 0x11, 0xc3, byte(len(payload))}
	dst = append(dst, key[:]...)
	for i, c := range payload {
		dst = append(dst, c^key[i&3])
	}
	return dst
}

// readFrame reads one whole frame of a server. It sends none in fragments.
func readFrame(r *bufio.Reader) (op byte, payload []byte, err error) {
	var h [8]byte
	if _, err = io.ReadFull(r, h[:2]); err != nil {
		return 0, nil, err
	}
	op = h[0] & 0x0f
	if h[0]&0xf0 != 0x80 || h[1]&0x80 != 0 {
		return 0, nil, fmt.Errorf("the server sent a frame that begins with %#x %#x", h[0], h[1])
	}
	n := uint64(h[1])
	switch n {
	case 126:
		_, err = io.ReadFull(r, h[:2])
		n = uint64(binary.BigEndian.Uint16(h[:2]))
	case 127:
		_, err = io.ReadFull(r, h[:8])
		n = binary.BigEndian.Uint64(h[:8])
	}
	if err == nil && n > 16<<20 {
		err = fmt.Errorf("the server sent a frame of %d bytes", n)
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(r, payload)
	return op, payload, err
}

// packet is one Engine.IO packet: text with its type in front, or the data of
// a binary message.
type packet struct {
	binary bool
	data   []byte
}

func text(s string) packet { return packet{data: []byte(s)} }

// payload is packets in the body of a post.
func payload(eio int, packets []packet) []byte {
	var b []byte
	for i, p := range packets {
		data := p.data
		if p.binary && eio == 3 {
			data = append([]byte("b4"), base64.StdEncoding.EncodeToString(p.data)...)
		} else if p.binary {
			data = append([]byte("b"), base64.StdEncoding.EncodeToString(p.data)...)
		}
		if eio == 3 {
			b = append(strconv.AppendInt(b, int64(len(data)), 10), ':')
		} else if i > 0 {
			b = append(b, 0x1e)
		}
		b = append(b, data...)
	}
	return b
}

// packets is the packets of an answered poll.
func packets(eio int, body []byte) (list []packet, err error) {
	add := func(data []byte, prefix string) {
		if rest, ok := bytes.CutPrefix(data, []byte(prefix)); ok {
			raw, e := base64.StdEncoding.DecodeString(string(rest))
			err = errors.Join(err, e)
			list = append(list, packet{true, raw})
		} else {
			list = append(list, packet{false, data})
		}
	}
	if eio != 3 {
		for data := range bytes.SplitSeq(body, []byte{0x1e}) {
			add(data, "b")
		}
		return list, err
	}
	for len(body) > 0 {
		size, rest, ok := bytes.Cut(body, []byte(":"))
		n, e := strconv.Atoi(string(size))
		if !ok || e != nil || n > len(rest) {
			return nil, fmt.Errorf("the server sent the payload %.60q", body)
		}
		add(rest[:n], "b4")
		body = rest[n:]
	}
	return list, err
}

// The types of Socket.IO packets.
const (
	sioConnect     = '0'
	sioDisconnect  = '1'
	sioEvent       = '2'
	sioAck         = '3'
	sioError       = '4'
	sioBinaryEvent = '5'
	sioBinaryAck   = '6'
)

// message is one Socket.IO packet.
type message struct {
	kind        byte
	attachments int
	namespace   string
	id          int64 // -1: none
	rest        []byte
	blobs       [][]byte
}

func parseMessage(b []byte) (m message, err error) {
	if len(b) == 0 {
		return m, errors.New("the server sent an empty message")
	}
	m.kind, m.namespace, m.id, b = b[0], "/", -1, b[1:]
	if m.kind == sioBinaryEvent || m.kind == sioBinaryAck {
		n, rest, _ := bytes.Cut(b, []byte("-"))
		if m.attachments, err = strconv.Atoi(string(n)); err != nil {
			return m, err
		}
		b = rest
	}
	if len(b) > 0 && b[0] == '/' {
		name, rest, _ := bytes.Cut(b, []byte(","))
		m.namespace, b = string(name), rest
	}
	i := 0
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	if i > 0 {
		if m.id, err = strconv.ParseInt(string(b[:i]), 10, 64); err != nil {
			return m, err
		}
	}
	m.rest = b[i:]
	return m, nil
}

func (m *message) args() (args []json.RawMessage, err error) {
	err = json.Unmarshal(m.rest, &args)
	return args, err
}

// encode makes the packets of an event or an acknowledgement. A []byte among
// the arguments becomes an attachment.
func encode(kind byte, namespace string, id int64, args ...any) ([]packet, error) {
	var blobs []packet
	for i, a := range args {
		if raw, ok := a.([]byte); ok {
			args[i] = map[string]any{"_placeholder": true, "num": len(blobs)}
			blobs = append(blobs, packet{true, raw})
		}
	}
	body, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteByte('4')
	if len(blobs) > 0 {
		fmt.Fprintf(&b, "%c%d-", kind+3, len(blobs))
	} else {
		b.WriteByte(kind)
	}
	if namespace != "/" {
		b.WriteString(namespace + ",")
	}
	if id >= 0 {
		b.WriteString(strconv.FormatInt(id, 10))
	}
	b.Write(body)
	return append([]packet{text(b.String())}, blobs...), nil
}
