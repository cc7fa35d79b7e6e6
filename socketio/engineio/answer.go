package engineio

import (
	"net/http"

	"github.com/sockeye-io/sockeye/socketio/internal/httpconn"
)

// httpAnswer is a message alone as the answer to a poll.
type httpAnswer struct {
	fields *httpconn.Fields
	b      []byte
}

// pollAnswer is the answer to a poll with the packets of batch. A message that
// goes to many alone is put into an answer once.
func (srv *Server) pollAnswer(s *Session, batch []queued, f *httpconn.Fields, accept string, last bool) []byte {
	o := &srv.opts
	var m *Message
	if len(batch) == 1 && s.proto >= 4 && !last && batch[0].m.text && len(batch[0].m.after) == 0 {
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
	b := make([]byte, 0, f.Room()+len(body))
	b = f.AppendHead(b, http.StatusOK, form.ContentType(), encoding, len(body), last)
	b = append(b, body...)
	if m != nil {
		m.http.Store(&httpAnswer{f, b})
	}
	return b
}
