package socketio

import (
	"cmp"
	"reflect"
	"slices"
)

// Registered is an event that a namespace has handlers for.
type Registered struct {
	Event   string
	Typed   bool         // by an [Event] or a [Call]; else by On with a name, and the following is zero
	Call    bool         // it is a Call
	Payload reflect.Type // what comes with it
	Answer  reflect.Type // a Call's answer
	Place   string       // the file and line that registered it first
}

// Registered lists the events that have a handler in the namespace, by name. Of
// a namespace made by a pattern these are the pattern's; what sockets have
// registered on themselves is not there. The command cmd/sockeye-events reads
// the same, and what is said, from the source.
func (ns *Namespace) Registered() []Registered {
	g := ns.reg
	g.types.mu.Lock()
	defer g.types.mu.Unlock()
	var list []Registered
	for event := range g.load().events {
		r := Registered{Event: event}
		if n, ok := g.typed[event]; ok {
			r.Typed, r.Call, r.Payload, r.Answer, r.Place = true, n.kind == "call", n.payload, n.answer, n.place
		}
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Registered) int { return cmp.Compare(a.Event, b.Event) })
	return list
}
