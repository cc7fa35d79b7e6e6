package emitapi_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/emitapi"
)

func ExampleNew() {
	srv := socketio.New(nil)
	defer srv.Close()
	tokens := []string{"0123456789abcdef0123456789abcdef"} // emitapi.ReadTokens(file)
	// docs:mount
	api, err := emitapi.New(srv, emitapi.Options{Tokens: tokens})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/api/", api) // with Gin: router.Any("/api/*rest", gin.WrapH(api))
	// docs:end

	r := httptest.NewRequest(http.MethodPost, "/api/emit", strings.NewReader(`{"event":"news","arguments":["hello"]}`))
	r.Header.Set("Authorization", "Bearer "+tokens[0])
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output: 200 {"sockets":0,"nodes":0,"complete":true}
}
