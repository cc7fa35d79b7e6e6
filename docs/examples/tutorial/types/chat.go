package main

import (
	"context"

	"github.com/sockeye-io/sockeye/socketio"
)

//go:generate go run github.com/sockeye-io/sockeye/cmd/sockeye-events -title Chat -o api

// Mood is how somebody feels about it.
type Mood string

const (
	Glad Mood = "glad"
	Sad  Mood = "sad"
)

// Line is something that somebody says.
type Line struct {
	From string `json:"from" binding:"required,max=20"`
	Text string `json:"text" binding:"required,max=200"`
	Mood Mood   `json:"mood,omitempty"`
}

const (
	// Say is said by pages to the server, and by the server to all pages.
	Say socketio.Event[Line] = "chat message"
	// Count asks how many lines there have been with a text in them.
	Count socketio.Call[string, int] = "count"
)

func chat(srv *socketio.Server) {
	var said history
	Say.On(srv, func(_ context.Context, _ *socketio.Socket, line Line) error {
		said.add(line.Text)
		return Say.Emit(srv, line)
	})
	Count.On(srv, func(_ context.Context, _ *socketio.Socket, text string) (int, error) {
		if text == "" {
			return 0, socketio.Errorf("no_text", "what should be in them?")
		}
		return said.count(text), nil
	})
}
