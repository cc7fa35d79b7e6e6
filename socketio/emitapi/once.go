package emitapi

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"sync"
	"time"
)

// once remembers answers by the key that a request brings, so that one that is
// sent again is not carried out again.
type once struct {
	ttl  time.Duration
	most int

	mu    sync.Mutex
	by    map[string]*kept
	order []*kept // by age, oldest first; those that are gone are still in it
}

type kept struct {
	key   string
	print [sha256.Size]byte // of the request
	since time.Time
	text  []byte // nil while it is worked on
	gone  bool
}

func (o *once) init(ttl time.Duration, most int) {
	o.ttl, o.most, o.by = ttl, most, make(map[string]*kept)
}

// print is the same for the same request only.
func print(call string, body []byte) [sha256.Size]byte {
	return sha256.Sum256(append([]byte(call+"\n"), body...))
}

const maxKey = 255

// do has f answer, unless it has answered the same request before. What fails is
// not remembered.
func (o *once) do(key string, print [sha256.Size]byte, f func() ([]byte, error)) (text []byte, again bool, err error) {
	if len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, false, bad("an Idempotency-Key is at most 255 printable characters of ASCII, such as a UUID")
	}
	k, text, err := o.begin(key, print)
	if err != nil || text != nil {
		return text, err == nil, err
	}
	done := false
	defer func() { // also after a panic
		if !done {
			o.end(k, nil)
		}
	}()
	if text, err = f(); err != nil {
		return nil, false, err
	}
	done = true
	o.end(k, text)
	return text, false, nil
}

// begin returns the answer that there is, or a place for the one to come.
func (o *once) begin(key string, print [sha256.Size]byte) (*kept, []byte, error) {
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forgetLocked(now)
	if k := o.by[key]; k != nil {
		switch {
		case k.print != print:
			return nil, nil, &problem{http.StatusUnprocessableEntity, "key_reused", "this Idempotency-Key came with another request before: take a new key for each request, and the same one only to repeat it"}
		case k.text == nil:
			return nil, nil, &problem{http.StatusConflict, "in_progress", "the request with this Idempotency-Key is still worked on: ask again in a moment"}
		}
		return nil, k.text, nil
	}
	if len(o.by) >= o.most && !o.makeRoomLocked() {
		return nil, nil, &problem{http.StatusServiceUnavailable, "busy", "too many requests with an Idempotency-Key are worked on: try again in a second"}
	}
	k := &kept{key: key, print: print, since: now}
	o.by[key] = k
	o.order = append(o.order, k)
	return k, nil, nil
}

// end keeps an answer; nil: there is none, and the request may come again.
func (o *once) end(k *kept, text []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if text == nil {
		k.gone = true
		delete(o.by, k.key)
		return
	}
	k.text = text
}

// forgetLocked gives up what is too old, and answered.
func (o *once) forgetLocked(now time.Time) {
	for len(o.order) > 0 {
		k := o.order[0]
		if !k.gone && (k.text == nil || now.Sub(k.since) < o.ttl) {
			return
		}
		o.dropLocked(0)
	}
}

// makeRoomLocked gives up the oldest that is answered.
func (o *once) makeRoomLocked() bool {
	for i, k := range o.order {
		if k.text != nil && !k.gone {
			o.dropLocked(i)
			return true
		}
	}
	return false
}

func (o *once) dropLocked(i int) {
	k := o.order[i]
	if !k.gone {
		delete(o.by, k.key)
	}
	if i == 0 {
		o.order[0] = nil
		o.order = o.order[1:]
		return
	}
	o.order = append(o.order[:i], o.order[i+1:]...)
}
