package namespaces

import (
	"cmp"
	"errors"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// editing is texts that are edited on all nodes of a cluster. One node, which
// leads, decides which edit comes next; all that have somebody in the room have
// its text, and tell their own.
type editing struct {
	*together[text, Edit]
}

var (
	errNoLeader = errors.New("no node of the cluster has decided about the edit")
	errBehind   = errors.New("this node has missed an edit: whoever comes back gets the text")
)

// wholeText is a text as nodes tell it one another.
type wholeText struct {
	Text    string   `json:"text"`
	Version int      `json:"version"`
	Recent  []string `json:"recent"`
}

// verdict is the leading node's: the version that the edit has made, or why it
// has made none.
type verdict struct {
	Version int             `json:"version"`
	Error   *socketio.Error `json:"error"`
}

func editTogether(ns *socketio.Namespace) *editing {
	e := &editing{}
	e.together = keepTogether(ns, together[text, Edit]{
		do:   e.follow,
		give: func(t *text) any { return t.whole() },
		take: (*text).take,
	})
	heard(ns, "edit", func(r *socketio.Request, room string) error {
		if !leads(ns.Server()) {
			return r.Ack(nil)
		}
		var edit Edit
		if err := r.Arg(1).Decode(&edit); err != nil {
			return err
		}
		v, err := e.decide(room, edit, true)
		out := verdict{Version: v}
		if err != nil && !errors.As(err, &out.Error) {
			return errors.Join(err, r.Ack(nil))
		}
		return r.Ack(out)
	})
	return e
}

// edit has the node that leads decide about an edit that was made here.
func (e *editing) edit(room string, edit Edit) (version int, err error) {
	if leads(e.ns.Server()) {
		return e.decide(room, edit, false)
	}
	said := others(e.ns, "edit", room, edit)
	if len(said) == 0 {
		return 0, errNoLeader // the client tries again
	}
	var v verdict
	if err := said[0].Decode(&v); err != nil {
		return 0, err
	}
	if v.Error != nil {
		return 0, v.Error
	}
	return v.Version, nil
}

// decide makes an edit part of the text, if it was made on the latest, and has
// all told. foreign: it was made on another node.
func (e *editing) decide(room string, edit Edit, foreign bool) (version int, err error) {
	decide := func(t *text) {
		if err = t.apply(edit); err != nil {
			return
		}
		edit.Version, version = t.version, t.version
		_ = EditorEdited.Emit(e.ns.To(room).Local(), edit) // has been decoded, so can be encoded
		e.tell(room, edit)
	}
	if !foreign || e.ns.RoomLen(room) > 0 {
		inErr := e.in(room, decide)
		return version, cmp.Or(inErr, err)
	}
	// Nobody is in it here: the others have it.
	var t text
	for _, theirs := range others(e.ns, "state", room) {
		_ = t.take(theirs) // what makes no sense adds nothing
	}
	decide(&t)
	return version, err
}

// follow makes part of the text what another node has decided.
func (e *editing) follow(room string, t *text, edit Edit) {
	made := edit
	made.Version--
	switch {
	case edit.Version <= t.version: // it came with the whole text
	case t.apply(made) == nil:
		_ = EditorEdited.Emit(e.ns.To(room).Local(), edit) // has been decoded, so can be encoded
	default:
		delete(e.m, room) // whoever comes back has it asked for anew
		for s := range e.ns.RoomSockets(room) {
			s.Conn().CloseNow(engineio.TransportClose, errBehind)
		}
	}
}
