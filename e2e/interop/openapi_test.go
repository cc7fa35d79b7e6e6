package interop

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/emitapi"
)

const apiToken = "a-token-for-the-tests-of-others"

// The description of the emit API is valid, and describes it: what it calls
// valid the handler takes, what it does not the handler refuses, and each
// answer is one that it has.
func TestOpenAPI(t *testing.T) {
	srv := socketio.New(&socketio.Options{Logger: slog.New(slog.DiscardHandler)})
	defer srv.Close()
	srv.Of("/chat")
	api, err := emitapi.New(srv, emitapi.Options{Tokens: []string{apiToken}, Guesses: 2})
	if err != nil {
		t.Fatal(err)
	}
	quiet()
	app := gin.New()
	app.Any("/api/*rest", gin.WrapH(api))

	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/openapi.json", nil))
	doc, err := openapi3.NewLoader().LoadFromData(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil { // its examples too
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 1025)
	args := strings.TrimSuffix(strings.Repeat("0,", 257), ",")
	seen := map[int]bool{}
	for _, q := range []struct {
		call, body string
		status     int
		header     map[string]string
	}{
		{"emit", `{"event":"x"}`, 200, nil},
		{"emit", `{"event":"x","arguments":[1,null,"a",{"$binary":"AA=="}],"rooms":["a"],"except":["b"],"volatile":true,"namespace":"/chat"}`, 200, nil},
		{"emit", `{"event":"x"}`, 200, map[string]string{"Idempotency-Key": "1"}},
		{"emit", `{"event":"x"}`, 200, map[string]string{"Idempotency-Key": "1"}},
		{"emit", `{"event":"y"}`, 422, map[string]string{"Idempotency-Key": "1"}},
		{"emit", `{}`, 400, nil},
		{"emit", `[]`, 400, nil},
		{"emit", `{"event":""}`, 400, nil},
		{"emit", `{"event":null}`, 400, nil},
		{"emit", `{"event":"connect"}`, 400, nil},
		{"emit", `{"event":"` + long + `"}`, 400, nil},
		{"emit", `{"event":"x","arguments":[` + args + `]}`, 400, nil},
		{"emit", `{"event":"x","rooms":"a"}`, 400, nil},
		{"emit", `{"event":"x","rooms":[""]}`, 400, nil},
		{"emit", `{"event":"x","rooms":[7]}`, 400, nil},
		{"emit", `{"event":"x","room":["a"]}`, 400, nil},
		{"emit", `{"event":"x","namespace":"a"}`, 400, nil},
		{"emit", `{"event":"x","namespace":"/a,b"}`, 400, nil},
		{"emit", `{"event":"x","namespace":"/` + long + `"}`, 400, nil},
		{"fetch", `{}`, 200, nil},
		{"fetch", `{"limit":1000,"data":true,"rooms":["a"]}`, 200, nil},
		{"fetch", `{"limit":0}`, 400, nil},
		{"fetch", `{"limit":1001}`, 400, nil},
		{"fetch", `{"data":1}`, 400, nil},
		{"disconnect", `{"rooms":["a"]}`, 200, nil},
		{"disconnect", `{"all":true,"close":true}`, 200, nil},
		{"disconnect", `{}`, 400, nil},
		{"disconnect", `{"rooms":[]}`, 400, nil},
		{"disconnect", `{"all":false}`, 400, nil},
		{"emit", `{"event":"x"}`, 415, map[string]string{"Content-Type": "text/plain"}},
		{"emit", `{"event":"x"}`, 401, map[string]string{"Authorization": ""}},
		{"emit", `{"event":"x"}`, 401, map[string]string{"Authorization": "Bearer wrong"}},
		{"emit", `{"event":"x"}`, 429, nil}, // the last of them: no more is looked at
	} {
		seen[q.status] = true
		r := httptest.NewRequest(http.MethodPost, "/api/"+q.call, strings.NewReader(q.body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+apiToken)
		for name, value := range q.header {
			r.Header.Set(name, value)
		}
		route, params, err := router.FindRoute(r)
		if err != nil {
			t.Fatal(q.call, err)
		}
		in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}}
		valid := openapi3filter.ValidateRequest(t.Context(), in)
		if refused := q.status == 400 || q.status == 415; (valid != nil) != refused {
			t.Errorf("%s %.80s: the description says %v, the handler %d", q.call, q.body, valid, q.status)
		}
		r.Body = io.NopCloser(strings.NewReader(q.body))
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		if w.Code != q.status {
			t.Errorf("%s %.80s: %d %s, want %d", q.call, q.body, w.Code, w.Body, q.status)
		}
		out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())),
			Options: in.Options}
		if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
			t.Errorf("%s %.80s is answered with %s, which is not described: %v", q.call, q.body, w.Body, err)
		}
	}
	for _, path := range doc.Paths.InMatchingOrder() {
		if op := doc.Paths.Find(path).Post; op != nil {
			for _, code := range []int{200, 400, 401, 413, 415, 429, 500, 503} {
				if op.Responses.Status(code) == nil {
					t.Errorf("%s has no %d", path, code)
				}
			}
		}
	}
	for _, code := range []int{200, 400, 401, 415, 422, 429} {
		if !seen[code] {
			t.Errorf("no request was answered %d", code)
		}
	}
}
