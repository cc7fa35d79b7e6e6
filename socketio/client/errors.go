package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/sockeye-io/sockeye/internal/clip"
)

// Errors that the methods of this package return; test for them with
// [errors.Is].
var (
	// ErrClosed: [Client.Close] has been called.
	ErrClosed = errors.New("client: closed")
	// ErrDisconnected: the connection was lost, or left, before the answer came:
	// the server may have got the event, or not.
	ErrDisconnected = errors.New("client: disconnected")
	// ErrAckTimeout: there was no acknowledgement in time.
	ErrAckTimeout = errors.New("client: no acknowledgement in time")
	// ErrBufferFull: too much waits to be sent (Options.BufferBytes); this was not
	// added.
	ErrBufferFull = errors.New("client: too much waits to be sent (Options.BufferBytes)")
	// ErrNotSent: a volatile event found no connection.
	ErrNotSent = errors.New("client: not connected, so the volatile event was dropped")
	// ErrAckedTwice: the event was acknowledged before, or wants none.
	ErrAckedTwice = errors.New("client: acknowledged twice, or no acknowledgement is wanted")
)

// A ConnectError is the server's refusal to let the client into a namespace (a
// CONNECT_ERROR packet): it does not try again by itself. [errors.As] finds it.
type ConnectError struct {
	Namespace string
	Message   string
	Data      json.RawMessage // what the middleware's error has with it, if anything
}

func (e *ConnectError) Error() string {
	if e.Message == "Invalid namespace" {
		return fmt.Sprintf("the server has no namespace %s: look for a misspelling, or ask without a path for the main one", clip.Quoted(e.Namespace))
	}
	text := fmt.Sprintf("the server refuses %s: %s", e.Namespace, clip.Quoted(e.Message))
	if len(e.Data) > 0 {
		text += " " + clip.Quoted(string(e.Data))
	}
	return text + " (its middleware decides by auth, see Options.Auth)"
}

// A HandshakeError is a server that does not let the client connect, or is none.
// The client tries again by itself, as far as [Options] let it.
type HandshakeError struct {
	Transport string // [Polling] or [WebSocket]
	Status    int    // the HTTP status; 0 if there was no answer
	Text      string // what it says, and what to do
	Err       error  // what lies behind, or nil
}

func (e *HandshakeError) Error() string {
	text := e.Text
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return "connecting over " + e.Transport + ": " + text
}

// Unwrap returns the cause.
func (e *HandshakeError) Unwrap() error { return e.Err }

// refusal says what an answer means that lets nobody in.
func refusal(transport string, res *http.Response) error {
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	e := &HandshakeError{Transport: transport, Status: res.StatusCode, Err: err}
	var said struct {
		Code    *int
		Message string
	}
	if json.Unmarshal(body, &said) == nil && said.Code != nil {
		hints := map[int]string{
			0: "choose another with Options.Transports",
			1: "the session has ended, or several servers share this address without sticky sessions: use WebSocket alone",
			3: "the request is not as the server wants it",
			4: "its rules refuse the request, most often for its origin: set Origin in Options.Header, or allow it there",
			5: "it speaks another protocol than this client (Engine.IO 4, of socket.io 3 and 4): it is older",
		}
		e.Text = fmt.Sprintf("the server answers %d %s", res.StatusCode, clip.Quoted(said.Message))
		if hint := hints[*said.Code]; hint != "" {
			e.Text += ": " + hint
		}
		return e
	}
	switch {
	case res.StatusCode == http.StatusNotFound:
		e.Text = fmt.Sprintf("there is nothing at %s (404): is the server mounted at another path (Options.Path), or is this another server?", res.Request.URL.Path)
	case res.StatusCode == http.StatusForbidden, res.StatusCode == http.StatusUnauthorized:
		e.Text = fmt.Sprintf("the request is refused (%s), by the server or a proxy: look at credentials and Origin in Options.Header", res.Status)
	case res.StatusCode >= 300 && res.StatusCode < 400:
		e.Text = fmt.Sprintf("it is somewhere else (%s): %s", res.Status, clip.Quoted(res.Header.Get("Location")))
	case res.StatusCode >= 500:
		e.Text = fmt.Sprintf("the server, or a proxy before it, is in trouble (%s)", res.Status)
	default:
		e.Text = fmt.Sprintf("this is no Socket.IO server, or not at this path (Options.Path): it answers %s %s", res.Status, clip.Quoted(strings.TrimSpace(string(body))))
	}
	return e
}
