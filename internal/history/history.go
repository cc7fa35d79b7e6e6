package history

import (
	"fmt"
	"sync"
	"time"
)

// A Kind is what has happened.
type Kind uint8

const (
	Emit       Kind = iota // ID by Sender on Node, to Rooms (empty: all) but those in Except. To be recorded before the call
	Deliver                // ID to Client
	Connect                // Client to Node
	Disconnect             // Client
	Join                   // Client, Room
	Leave                  // Client, Room
	Verdict                // OK: Client is told, after Connect, that it has missed nothing since Disconnect
	NodeUp                 // Node
	NodeDown               // Node has ended. OK: it has said so
	Found                  // Node knows of the node From
	Lost                   // Node takes From for gone
	Gap                    // Node has counted that N messages of From never came
	Drop                   // Node has counted N of its own that were not sent
	Ask                    // ID by Node, to all others
	Reply                  // ID from the node From
	Done                   // ID has ended without answers of the nodes in Missing
)

func (k Kind) String() string {
	return [...]string{"emit", "deliver", "connect", "disconnect", "join", "leave", "verdict", "node up", "node down",
		"found", "lost", "gap", "drop", "ask", "reply", "done"}[k]
}

// An Event is one thing that has happened; which fields are set is said at its
// kind.
type Event struct {
	Kind   Kind
	At     time.Time
	ID     string
	Node   string
	Client string
	Sender string // one goroutine, or what else emits in order
	Lane   string // of Emit: order is promised within it, unless Rules.Ordered
	Room   string
	Rooms  []string
	Except []string
	From   string
	N      uint64
	OK     bool
	May    bool // of Emit: it may be lost without a word, as volatile events may

	Missing []string
}

func (e Event) String() string {
	text := fmt.Sprintf("%s %s", e.At.Format("15:04:05.000"), e.Kind)
	for _, f := range []struct{ name, value string }{
		{"id", e.ID}, {"node", e.Node}, {"client", e.Client}, {"sender", e.Sender}, {"room", e.Room}, {"from", e.From},
	} {
		if f.value != "" {
			text += fmt.Sprintf(" %s %s", f.name, f.value)
		}
	}
	for _, f := range []struct {
		name string
		list []string
	}{{"to", e.Rooms}, {"except", e.Except}, {"missing", e.Missing}} {
		if len(f.list) > 0 {
			text += fmt.Sprintf(" %s %v", f.name, f.list)
		}
	}
	if e.N > 0 {
		text += fmt.Sprintf(" %d", e.N)
	}
	if e.OK {
		text += " ok"
	}
	return text
}

// A History is what has happened so far. The zero value is ready; its methods
// may be called from any goroutine.
type History struct {
	mu     sync.Mutex
	events []Event
}

// Add records an event, now unless it says when.
func (h *History) Add(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.At.IsZero() {
		e.At = time.Now()
	}
	h.events = append(h.events, e)
}

// Events returns what was recorded, in that order.
func (h *History) Events() []Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.events[:len(h.events):len(h.events)]
}

// Rules are what a history is held to.
type Rules struct {
	Ordered bool // a sender's messages come in order; else those of one lane
	Safe    bool // nothing is lost on the way, so no gap may be counted
	Lanes   bool // lanes reach members only: what is missed is counted after the first that came

	// Local is how long a message takes on its own node at most, and to a client
	// when it has reached the client's node: so long after it has left a room, a
	// client may get what was for the room. Travel is how long a message takes to
	// other nodes' clients, with delays and interruptions. Who was there all that
	// time should have got it.
	Local, Travel time.Duration
	// Tell is how long after Travel a miss may stay uncounted, unless its sender
	// has ended meanwhile.
	Tell time.Duration
	// Dead is after what silence a node is taken for gone: what it sends from then
	// on, until it is found again, is lost without being counted.
	Dead time.Duration
}
