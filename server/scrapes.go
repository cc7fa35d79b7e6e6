package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// oftenEnough is how many times a second the metrics are gathered anew.
const oftenEnough = 20

// scrapes answers those who ask for the metrics. Gathering them costs more than
// anything else that is answered to whoever asks, so those who ask very often are
// told what was gathered within the last second.
type scrapes struct {
	told http.Handler

	mu   sync.Mutex
	at   time.Time // when the second began in which n have asked
	n    int
	last *gathered // of that second, for those who are too many
}

// ServeHTTP implements http.Handler. It writes what it has gathered before: a
// client that takes its answer slowly must not be one of the few for whom metrics
// are gathered at a time, nor is one that goes away a fault to be logged.
func (s *scrapes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := s.often(r)
	if a == nil {
		a = s.gather(r)
	}
	h := w.Header()
	for name, values := range a.header {
		h[name] = values
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body.Bytes())))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes())
}

// often is the answer if there were many of late, else nil.
func (s *scrapes) often(r *http.Request) *gathered {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.at) >= time.Second {
		s.at, s.n, s.last = now, 0, nil
	}
	if s.n < oftenEnough {
		s.n++
		return nil
	}
	if s.last == nil {
		plain := r.Clone(r.Context())
		plain.Header = nil // a form and a coding that all take
		a := s.gather(plain)
		if a.status != http.StatusOK {
			return a
		}
		s.last = a
	}
	return s.last
}

func (s *scrapes) gather(r *http.Request) *gathered {
	a := &gathered{header: http.Header{}, status: http.StatusOK}
	s.told.ServeHTTP(a, r)
	return a
}

// gathered is an answer in memory.
type gathered struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *gathered) Header() http.Header         { return a.header }
func (a *gathered) WriteHeader(status int)      { a.status = status }
func (a *gathered) Write(b []byte) (int, error) { return a.body.Write(b) }

// gatherLog tells of metrics that cannot be read, as one kind of line.
type gatherLog struct{ log *slog.Logger }

// Println implements promhttp.Logger.
func (l gatherLog) Println(v ...any) {
	l.log.Error("metrics could not be gathered", "error", strings.TrimSpace(fmt.Sprintln(v...)))
}
