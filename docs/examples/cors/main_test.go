package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gin-contrib/cors"
	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/ginio"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

const page = "http://localhost:5173"

// A listed page polls: each answer names it once. A foreign one reads why not.
func TestBesideGinContribCORS(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	first := gin.New() // the order that most people write
	first.Use(cors.New(cors.Config{AllowOrigins: []string{page}, AllowMethods: []string{"GET", "POST"}}))
	ginio.Mount(first, socketio.New(&socketio.Options{Engine: socketio.EngineOptions{Origins: engineio.OriginList(page)}}))
	for name, r := range map[string]*gin.Engine{"Mount, then the middleware": newRouter(page), "the middleware, then Mount": first} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(r)
			defer server.Close()
			client := server.Client()
			ask := func(method, query, body, origin string) (*http.Response, string) {
				req, err := http.NewRequest(method, server.URL+"/socket.io/?EIO=4&transport=polling"+query, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Origin", origin)
				res, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				text, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				return res, string(text)
			}
			res, text := ask("GET", "", "", page)
			var open struct{ SID string }
			if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "0")), &open); err != nil {
				t.Fatal(res.Status, text)
			}
			check := func(what string, res *http.Response) {
				if got := res.Header["Access-Control-Allow-Origin"]; res.StatusCode != 200 || !slices.Equal(got, []string{page}) {
					t.Errorf("%s: %s %q", what, res.Status, got)
				}
			}
			check("handshake", res)
			sid := "&sid=" + open.SID
			for i := range 3 { // on one connection
				res, _ := ask("POST", sid, "40", page)
				check(fmt.Sprint("post ", i), res)
				if i > 0 {
					continue
				}
				res, _ = ask("GET", sid, "", page)
				check("poll", res)
			}
			if res, text := ask("GET", "", "", "http://evil.example"); res.StatusCode != 403 || strings.Contains(text, "sid") {
				t.Errorf("a foreign page: %s %s", res.Status, text)
			}
		})
	}
}
