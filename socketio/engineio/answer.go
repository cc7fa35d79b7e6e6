package engineio

import (
	"bytes"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// answerFields is the header fields that all answers on a connection have in
// common: those that the application's middleware and CORS have given to the
// request with which we took the connection over. Connections with the same
// fields share one.
type answerFields struct {
	text string // complete lines
	ok   atomic.Pointer[stamped]
}

// stamped is an answer that is good for one second, because of its date.
type stamped struct {
	sec int64
	b   []byte
}

// ourFields are written here for each answer.
var ourFields = map[string]bool{
	"Content-Type": true, "Content-Length": true, "Content-Encoding": true, "Cache-Control": true,
	"Connection": true, "Date": true, "Transfer-Encoding": true, "X-Content-Type-Options": true,
}

// answerTable finds the fields that connections share.
type answerTable struct {
	mu   sync.Mutex
	list map[string]*answerFields
}

func (t *answerTable) get(h http.Header) *answerFields {
	var b bytes.Buffer
	_ = h.WriteSubset(&b, ourFields) // to memory
	text := b.String()
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.list[text]; f != nil {
		return f
	}
	f := &answerFields{text: text}
	const most = 256 // fields that differ from request to request are not worth it
	if len(t.list) < most {
		if t.list == nil {
			t.list = make(map[string]*answerFields)
		}
		t.list[text] = f
	}
	return f
}

// appendHead appends the head of an answer with a body of n bytes.
func (f *answerFields) appendHead(dst []byte, status int, contentType, encoding string, n int, end bool) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, http.StatusText(status)...)
	dst = append(dst, "\r\n"...)
	dst = append(dst, f.text...)
	dst = append(dst, "Cache-Control: no-store\r\nContent-Type: "...)
	dst = append(dst, contentType...)
	if encoding != "" {
		dst = append(dst, "\r\nVary: Accept-Encoding\r\nContent-Encoding: "...)
		dst = append(dst, encoding...)
	}
	if end {
		dst = append(dst, "\r\nConnection: close"...)
	}
	dst = append(dst, "\r\nDate: "...)
	dst = append(dst, httpDate()...)
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, "\r\n\r\n"...)
}

// posted is the answer to a POST.
func (f *answerFields) posted() []byte {
	now := time.Now().Unix()
	if s := f.ok.Load(); s != nil && s.sec == now {
		return s.b
	}
	b := f.appendHead(nil, http.StatusOK, "text/html", "", len(okBody), false)
	b = append(b, okBody...)
	f.ok.Store(&stamped{now, b})
	return b
}

var dates atomic.Pointer[stamped]

// httpDate is the present date as HTTP has it.
func httpDate() []byte {
	now := time.Now()
	if s := dates.Load(); s != nil && s.sec == now.Unix() {
		return s.b
	}
	b := now.UTC().AppendFormat(nil, http.TimeFormat)
	dates.Store(&stamped{now.Unix(), b})
	return b
}

// httpAnswer is a message alone as the answer to a poll.
type httpAnswer struct {
	fields *answerFields
	b      []byte
}

// appendAnswer is the answer to a poll with the packets of batch. A message
// that goes to many alone is put into an answer once.
func (srv *Server) pollAnswer(s *Session, batch []queued, f *answerFields, accept string, end bool) []byte {
	o := &srv.opts
	var m *Message
	if len(batch) == 1 && s.proto >= 4 && !end && batch[0].m.text && len(batch[0].m.after) == 0 {
		m = batch[0].m
		small := o.DisableHTTPCompression || batch[0].f&NoCompress != 0 || m.size+1 < o.HTTPCompressionThreshold
		if !small {
			m = nil
		} else if a := m.http.Load(); a != nil && a.fields == f {
			return a.b
		}
	}
	body, form, compress := s.payload(batch)
	encoding := ""
	if compress && !o.DisableHTTPCompression && len(body) >= o.HTTPCompressionThreshold {
		if name, packed := compressFor(accept, body); name != "" {
			encoding, body = name, packed
		}
	}
	b := make([]byte, 0, 200+len(f.text)+len(body))
	b = f.appendHead(b, http.StatusOK, form.ContentType(), encoding, len(body), end)
	b = append(b, body...)
	if m != nil {
		m.http.Store(&httpAnswer{f, b})
	}
	return b
}
