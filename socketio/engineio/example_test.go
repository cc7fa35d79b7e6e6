package engineio_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// shout answers every message in capital letters.
type shout struct{ session *engineio.Session }

func (s shout) Receive(data []byte, binary bool) {
	buf := append(make([]byte, engineio.Headroom), bytes.ToUpper(data)...)
	if err := s.session.Send(engineio.NewMessage(buf), 0); err != nil {
		fmt.Println(err)
	}
}

func (s shout) Served() {}

func (s shout) Closed(reason engineio.Reason, _ error) {}

// A server without the layers above: it takes messages, and sends some.
func Example() {
	srv := engineio.New(nil, func(s *engineio.Session) engineio.Receiver { return shout{s} })
	mux := http.NewServeMux()
	mux.Handle(srv.Path(), srv)
	ts := httptest.NewServer(mux)
	defer ts.Close()
	defer srv.Close()

	// A client on long polling, by hand.
	url := ts.URL + srv.Path() + "?EIO=4&transport=polling"
	answer := read(http.Get(url))
	url += "&sid=" + strings.Split(answer, `"`)[3]
	fmt.Println(read(http.Post(url, "text/plain", strings.NewReader("4hello"))))
	fmt.Println(read(http.Get(url)))
	// Output:
	// ok
	// 4HELLO
}

func read(res *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
