package emitapi

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed" // the description
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio"
)

//go:embed openapi.json
var description []byte

// Handler answers the three calls, and the request for their description,
// below whatever path it is mounted at: the last part of the path says which.
// Its methods may be called from any goroutine.
type Handler struct {
	srv     *socketio.Server
	opts    Options // resolved; static
	tokens  [][sha256.Size]byte
	log     *slog.Logger
	places  chan struct{} // one for each request that is worked on
	once    once
	guesses guesses
}

// New makes a Handler for the sockets of srv, on all nodes of its cluster. The
// error says what is wrong with the options.
func New(srv *socketio.Server, o Options) (*Handler, error) {
	if err := o.resolve(); err != nil {
		return nil, err
	}
	h := &Handler{srv: srv, opts: o, log: srv.Logger(), places: make(chan struct{}, o.MaxConcurrent)}
	for _, t := range o.Tokens {
		h.tokens = append(h.tokens, sha256.Sum256([]byte(t)))
	}
	h.opts.Tokens = nil // no longer needed in the clear
	h.once.init(o.KeyTTL, o.MaxKeys)
	h.guesses.most = o.Guesses
	return h, nil
}

// A problem is why a request is not carried out.
type problem struct {
	status int
	code   string
	text   string
}

func (p *problem) Error() string { return p.text }

func bad(text string) *problem { return &problem{http.StatusBadRequest, "bad_request", text} }

// call is one of the three.
type call struct {
	parse func(h *Handler, body []byte) (work, error)
	keyed bool // it changes something: an Idempotency-Key counts
}

// work carries a parsed request out.
type work func(ctx context.Context, h *Handler) (any, error)

var calls = map[string]call{
	"emit":       {parseEmit, true},
	"fetch":      {parseFetch, false},
	"disconnect": {parseDisconnect, true},
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	name := path.Base(r.URL.Path)
	if name == "openapi.json" {
		h.describe(w, r)
		return
	}
	if err := h.admit(w, r); err != nil {
		h.fail(w, r, err)
		return
	}
	c, ok := calls[name]
	switch {
	case !ok:
		h.fail(w, r, &problem{http.StatusNotFound, "not_found", "there is no such call: there are emit, fetch and disconnect, and openapi.json, which describes them"})
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		h.fail(w, r, &problem{http.StatusMethodNotAllowed, "method", "use POST"})
		return
	}
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		w.Header().Set("Retry-After", "1")
		h.fail(w, r, &problem{http.StatusServiceUnavailable, "busy", "too many requests are worked on: try again in a second"})
		return
	}
	if err := h.serve(w, r, name, c); err != nil {
		h.fail(w, r, err)
	}
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, name string, c call) error {
	body, err := h.read(w, r)
	if err != nil {
		return err
	}
	do, err := c.parse(h, body)
	if err != nil {
		return err
	}
	if !h.srv.Ready() {
		return &problem{http.StatusServiceUnavailable, "stopping", "this server is stopping: ask another"}
	}
	answer := func(ctx context.Context) ([]byte, error) {
		v, err := do(ctx, h)
		if err != nil {
			return nil, err
		}
		return json.Marshal(v)
	}
	key := r.Header.Get("Idempotency-Key")
	var text []byte
	if key == "" || !c.keyed {
		text, err = answer(r.Context())
	} else {
		var again bool
		if text, again, err = h.once.do(key, print(name, body), func() ([]byte, error) {
			return answer(context.WithoutCancel(r.Context())) // who has gone asks again, with the key
		}); again {
			w.Header().Set("Idempotent-Replayed", "true")
		}
	}
	if err != nil {
		return err
	}
	write(w, http.StatusOK, text)
	return nil
}

// read reads the body, which must be what it says it is.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, &problem{http.StatusUnsupportedMediaType, "media_type", "send JSON, with the header Content-Type: application/json"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(h.opts.MaxBody)))
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return nil, &problem{http.StatusRequestEntityTooLarge, "too_large", "a request has at most " + strconv.Itoa(h.opts.MaxBody) + " bytes: send it in parts"}
	}
	if err != nil {
		return nil, bad("the body ended early")
	}
	return body, nil
}

// admit looks at the credentials.
func (h *Handler) admit(w http.ResponseWriter, r *http.Request) error {
	network := h.srv.Engine().Network(r)
	wait := h.guesses.wait(network)
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
		return &problem{http.StatusTooManyRequests, "too_many_guesses", "too many requests of this address had no token, or a wrong one: wait a minute"}
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") && h.knows(strings.TrimSpace(token)) {
		return nil
	}
	h.guesses.add(network)
	h.log.Warn("emit API: no token, or a wrong one", "client", network.String(), "path", clip.Quoted(r.URL.Path))
	w.Header().Set("WWW-Authenticate", `Bearer realm="emit API"`)
	return &problem{http.StatusUnauthorized, "unauthorized", "send the header Authorization: Bearer TOKEN, with a token of this server"}
}

// knows takes as long for a token that is nearly right as for any other: digests
// are compared, all of them, each to its end.
func (h *Handler) knows(token string) bool {
	sum, ok := sha256.Sum256([]byte(token)), 0
	for i := range h.tokens {
		ok |= subtle.ConstantTimeCompare(sum[:], h.tokens[i][:])
	}
	return ok == 1
}

func (h *Handler) describe(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		h.fail(w, r, &problem{http.StatusMethodNotAllowed, "method", "use GET"})
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	write(w, http.StatusOK, description)
}

// fail answers with what is wrong.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := (*problem)(nil)
	if !errors.As(err, &p) {
		h.log.Error("emit API: a request failed", "path", clip.Quoted(r.URL.Path), "error", err)
		p = &problem{http.StatusInternalServerError, "internal", "internal error"}
	}
	text, _ := json.Marshal(map[string]any{"error": map[string]string{"code": p.code, "message": p.text}}) // of texts
	write(w, p.status, text)
}

func write(w http.ResponseWriter, status int, text []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text) // who has gone does not read it
}
