package inspect

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

// A question is what the page asks, and one node the others.
type question struct {
	Kind   string            `json:"kind"`
	Node   string            `json:"node"` // the only one that shall answer; "" is all
	NS     string            `json:"ns"`
	Room   string            `json:"room"`
	ID     string            `json:"id"`
	Text   string            `json:"text"`
	After  string            `json:"after"` // the last that is known already
	Sort   string            `json:"sort"`  // of sockets: one of orders
	Limit  int               `json:"limit"`
	Viewer string            `json:"viewer"` // of the feed
	Seen   map[string]uint64 `json:"seen"`   // by node, the last event that is known
	Act    *act              `json:"act,omitempty"`
}

// An answer is that of one node.
type answer struct {
	Node    node        `json:"node"`
	Spaces  []space     `json:"spaces,omitempty"`
	Rooms   []room      `json:"rooms,omitempty"`
	Sockets []socket    `json:"sockets,omitempty"`
	Total   int         `json:"total"`
	Detail  *detail     `json:"detail,omitempty"`
	Events  []happening `json:"events,omitempty"`
	Seen    uint64      `json:"seen"`
	Skipped uint64      `json:"skipped"`
	Done    int         `json:"done"` // sockets that an act has reached
	Error   string      `json:"error,omitempty"`
}

// answers are those of all nodes, for the page.
type answers struct {
	answer
	Here     string            `json:"here"`
	Nodes    []node            `json:"nodes"`
	Missing  []string          `json:"missing"` // nodes that have not answered
	SeenBy   map[string]uint64 `json:"seenBy,omitempty"`
	ReadOnly bool              `json:"readOnly"`
	Frames   bool              `json:"frames"`
}

const (
	serverSide = "sockeye:inspect"
	patience   = 2 * time.Second // for other nodes
	most       = 100             // entries of a list
	longest    = 1000            // bytes of what is looked for
)

var kinds = []string{"overview", "rooms", "sockets", "socket", "feed"}

// ask serves a question of the page.
func (in *Inspector) ask(w http.ResponseWriter, r *http.Request) {
	q, err := read(r.PathValue("kind"), r.URL.Query())
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	reply(w, in.all(r.Context(), q))
}

func read(kind string, v url.Values) (q question, err error) {
	q = question{
		Kind: kind, Node: v.Get("node"), NS: v.Get("ns"), Room: v.Get("room"), ID: v.Get("id"), Text: v.Get("text"), After: v.Get("after"), Sort: v.Get("sort"),
		Viewer: v.Get("viewer"), Limit: 50, Seen: map[string]uint64{},
	}
	if !slices.Contains(kinds, kind) {
		return q, errors.New("there is no such question")
	}
	for _, text := range []string{q.Node, q.NS, q.Room, q.ID, q.Text, q.After, q.Viewer} {
		if len(text) > longest {
			return q, errors.New("what is asked for is too long")
		}
	}
	if orders[q.Sort] == nil {
		return q, errors.New("sockets are sorted by buffered, in or out, or without sort by id")
	}
	if q.Sort != "" {
		q.After = "" // there are no pages: who is first changes all the time
	}
	if text := v.Get("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > most {
			return q, errors.New("the limit is a number from 1 to " + strconv.Itoa(most))
		}
	}
	if kind == "feed" {
		if n := len(q.Viewer); n < 8 || n > 64 {
			return q, errors.New("a viewer's name has 8 to 64 characters")
		}
		nodes, at := v["of"], v["seen"]
		if len(nodes) != len(at) || len(nodes) > 1000 {
			return q, errors.New("of and seen come in pairs")
		}
		for i, of := range nodes {
			n, err := strconv.ParseUint(at[i], 10, 64)
			if err != nil {
				return q, errors.New("seen is a number")
			}
			q.Seen[of] = n
		}
	}
	return q, nil
}

// answerNodes has this node answer the others.
func (in *Inspector) answerNodes() error {
	return in.io.Of("/").OnServerSide(serverSide, func(_ context.Context, r *socketio.Request) error {
		var q question
		if err := r.Scan(&q); err != nil {
			return err
		}
		q.Limit = min(max(q.Limit, 1), most)
		return r.Ack(in.local(q))
	})
}

// all asks all nodes, this one first, and puts the answers together.
func (in *Inspector) all(ctx context.Context, q question) answers {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	here := in.local(q)
	a := answers{Here: here.Node.ID, ReadOnly: in.opts.ReadOnly, Frames: in.opts.Frames != nil, Missing: []string{}, SeenBy: map[string]uint64{}}
	list := []answer{here}
	if st, ok := in.io.Cluster(); ok && !st.Connected {
		for _, n := range st.Others { // who cannot be asked is not waited for
			a.Missing = append(a.Missing, n.ID)
		}
		a.Missing = in.named(a.Missing)
	} else if ok {
		got, err := in.io.Of("/").ServerSideEmitWithAck(ctx, serverSide, q)
		var missing *socketio.MissingAcksError
		if errors.As(err, &missing) {
			a.Missing = append(a.Missing, in.named(missing.Nodes)...)
			if len(a.Missing) == 0 {
				a.Missing = append(a.Missing, strconv.Itoa(missing.Missing))
			}
		} else if err != nil {
			a.Error = err.Error()
		}
		for _, ack := range got {
			var other answer
			if ack.Scan(&other) == nil && other.Node.ID != "" {
				list = append(list, other)
			}
		}
	}
	a.merge(q, list)
	return a
}

// named are the names of nodes, where they are known.
func (in *Inspector) named(ids []string) []string {
	st, _ := in.io.Cluster()
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		for _, n := range st.Others {
			if n.ID == id && n.Name != "" {
				id = n.Name + " (" + id + ")"
			}
		}
		names = append(names, id)
	}
	return names
}
