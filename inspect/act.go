package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio"
)

// An act is something that changes. Each node does it to its own sockets, so
// that it is known how many there were.
type act struct {
	What  string            `json:"what"` // join, leave, emit, disconnect, frames
	To    string            `json:"to"`   // a room, or a socket's id
	Rooms []string          `json:"rooms"`
	Event string            `json:"event"`
	Args  []json.RawMessage `json:"args"`
	Close bool              `json:"close"` // the whole connection
}

var acts = []string{"join", "leave", "emit", "disconnect", "frames"}

const maxBody = 64 << 10

// do serves what the page wants done.
func (in *Inspector) do(w http.ResponseWriter, r *http.Request) {
	if in.opts.ReadOnly {
		fail(w, http.StatusForbidden, "this inspection may only look")
		return
	}
	var body struct {
		NS  string `json:"ns"`
		Act act    `json:"act"`
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		fail(w, http.StatusBadRequest, "what is to be done is not understood: "+clip.Text(err.Error()))
		return
	}
	if err := body.Act.check(); err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	from := clip.Text(in.opts.ClientIP(r))
	user, _, _ := r.BasicAuth()
	in.log.Info("inspection: "+body.Act.What, "client", from, "user", clip.Quoted(user), "namespace", clip.Quoted(body.NS), "to", clip.Whom(body.Act.To))
	if body.Act.What == "frames" {
		if in.opts.Frames == nil {
			fail(w, http.StatusBadRequest, "this program cannot log frames")
			return
		}
	}
	a := in.all(r.Context(), question{Kind: "do", NS: body.NS, Limit: 1, Act: &body.Act})
	if a.Error != "" {
		fail(w, http.StatusBadRequest, a.Error)
		return
	}
	reply(w, a)
}

func (a *act) check() error {
	switch {
	case !slices.Contains(acts, a.What):
		return errors.New("what can be done is join, leave, emit, disconnect and frames")
	case a.What != "frames" && a.To == "":
		return errors.New("to whom is missing: a room, or a socket's id")
	case (a.What == "join" || a.What == "leave") && (len(a.Rooms) == 0 || len(a.Rooms) > most || slices.Contains(a.Rooms, "")):
		return errors.New("the rooms are missing")
	case a.What == "emit" && (a.Event == "" || socketio.Reserved(a.Event)):
		return errors.New("an event needs a name that is not reserved")
	}
	for _, arg := range a.Args {
		if !json.Valid(arg) {
			return errors.New("an argument is no JSON")
		}
	}
	return nil
}

// logFrames chooses whose frames this node logs.
func (in *Inspector) logFrames(of string) string {
	if in.opts.Frames == nil || in.opts.ReadOnly {
		return ""
	}
	if err := in.opts.Frames(of); err != nil {
		return clip.Text(err.Error())
	}
	return ""
}

// perform does it to the sockets of this node.
func (in *Inspector) perform(ns *socketio.Namespace, a *act) (done int, problem string) {
	if a == nil || in.opts.ReadOnly {
		return 0, ""
	}
	var list []*socketio.Socket
	for s := range ns.RoomSockets(a.To) {
		list = append(list, s)
	}
	if a.What == "emit" {
		args := make([]any, len(a.Args))
		for i, arg := range a.Args {
			args[i] = json.RawMessage(bytes.TrimSpace(arg))
		}
		if err := ns.Local().To(a.To).Emit(a.Event, args...); err != nil {
			return 0, clip.Text(err.Error())
		}
		return len(list), ""
	}
	for _, s := range list {
		switch a.What {
		case "join":
			if err := s.Join(a.Rooms...); err != nil {
				problem = clip.Text(err.Error())
				continue
			}
		case "leave":
			s.Leave(a.Rooms...)
		case "disconnect":
			s.Disconnect(a.Close)
		}
		done++
	}
	return done, problem
}
