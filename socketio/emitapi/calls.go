package emitapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio"
)

// reached is the answer to emit and disconnect.
type reached struct {
	Sockets  int      `json:"sockets"`
	Nodes    int      `json:"nodes"`
	Complete bool     `json:"complete"`          // all nodes have told
	Missing  []string `json:"missing,omitempty"` // those that have not, by name
}

// count tells who is addressed. That a node does not answer is no failure of the
// call.
//
// Nobody waits for the others while the broker is away: calls would pile up until
// there is no place for one more.
func (h *Handler) count(ctx context.Context, b socketio.Broadcast) reached {
	if st, ok := h.srv.Cluster(); ok && !st.Connected {
		r, err := b.Local().Count(ctx)
		a := h.reached(r, err)
		a.Complete, a.Missing = false, nil
		for _, other := range st.Others {
			a.Missing = append(a.Missing, cmp.Or(other.Name, other.ID))
		}
		return a
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.opts.Timeout)
	defer cancel()
	r, err := b.Count(ctx)
	return h.reached(r, err)
}

func (h *Handler) reached(r socketio.Reach, err error) reached {
	a := reached{Sockets: r.Sockets, Nodes: r.Nodes, Complete: err == nil}
	if missing := (*socketio.MissingAcksError)(nil); errors.As(err, &missing) {
		a.Missing = missing.Nodes
	} else if err != nil {
		h.log.Warn("emit API: other nodes could not be asked", "error", err)
	}
	return a
}

func parseEmit(h *Handler, body []byte) (work, error) {
	var (
		t        target
		event    string
		list     []json.RawMessage
		volatile bool
	)
	err := parse(h, body, `{"event":"news","arguments":["hello"]}`, &t,
		field{"event", &event, `a string, such as "news"`},
		field{"arguments", &list, `an array, such as ["hello",{"n":1}]`},
		field{"volatile", &volatile, "true or false"},
	)
	if err != nil {
		return nil, err
	}
	switch {
	case event == "":
		return nil, bad(`"event" is missing: the name of what to emit, such as "news"`)
	case len(event) > maxName:
		return nil, bad(`"event" has at most ` + strconv.Itoa(maxName) + " bytes")
	case socketio.Reserved(event):
		return nil, bad(`"event" is a name that clients keep for themselves: choose another`)
	case len(list) > maxArguments:
		return nil, bad(`"arguments" are at most ` + strconv.Itoa(maxArguments) + ": put them into one array")
	}
	args := make([]any, len(list))
	for i, raw := range list {
		if args[i], err = argument(raw); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, h *Handler) (any, error) {
		b := t.address(h.srv)
		send := b
		if volatile {
			send = b.Volatile()
		}
		if err := send.Emit(event, args...); errors.Is(err, socketio.ErrTooManyAttachments) {
			return nil, bad("\"arguments\" hold more binary values than clients take: put them together, or raise Options.MaxSentAttachments if all clients take more")
		} else if err != nil {
			return nil, err
		}
		a := h.count(ctx, b)
		h.log.Debug("emit API: emitted", "namespace", clip.Text(t.namespace), "event", clip.Text(event), "sockets", a.Sockets, "nodes", a.Nodes)
		return a, nil
	}, nil
}

func parseDisconnect(h *Handler, body []byte) (work, error) {
	var (
		t          target
		all, close bool
	)
	if err := parse(h, body, `{"rooms":["user:7"]}`, &t,
		field{"all", &all, "true or false"},
		field{"close", &close, "true or false"},
	); err != nil {
		return nil, err
	}
	if len(t.rooms) == 0 && !all {
		return nil, bad(`"rooms" is missing: name rooms, or ids of sockets, or write "all":true for everybody in the namespace`)
	}
	return func(ctx context.Context, h *Handler) (any, error) {
		b := t.address(h.srv)
		a := h.count(ctx, b) // they are gone afterwards
		b.DisconnectSockets(close)
		h.log.Info("emit API: disconnected sockets", "namespace", clip.Text(t.namespace), "sockets", a.Sockets, "nodes", a.Nodes)
		return a, nil
	}, nil
}

// listed is the answer to fetch.
type listed struct {
	Sockets  []socket `json:"sockets"`
	Total    int      `json:"total"` // those addressed, listed or not
	Complete bool     `json:"complete"`
	Missing  []string `json:"missing,omitempty"`
}

type socket struct {
	ID    string          `json:"id"`
	Rooms []string        `json:"rooms"`
	Since time.Time       `json:"since"` // its connection was opened
	Data  json.RawMessage `json:"data,omitempty"`
}

func parseFetch(h *Handler, body []byte) (work, error) {
	var (
		t     target
		limit = h.opts.MaxSockets
		data  bool
	)
	if err := parse(h, body, `{"rooms":["lobby"],"limit":100}`, &t,
		field{"limit", &limit, "a whole number"},
		field{"data", &data, "true or false"},
	); err != nil {
		return nil, err
	}
	if limit < 1 || limit > h.opts.MaxSockets {
		return nil, bad(`"limit" is a whole number from 1 to ` + strconv.Itoa(h.opts.MaxSockets))
	}
	return func(ctx context.Context, h *Handler) (any, error) {
		ctx, cancel := context.WithTimeout(ctx, h.opts.Timeout)
		defer cancel()
		all, err := t.address(h.srv).FetchSockets(ctx)
		r := h.reached(socketio.Reach{}, err)
		slices.SortFunc(all, func(a, b socketio.RemoteSocket) int { return cmp.Compare(a.ID(), b.ID()) })
		a := listed{Sockets: []socket{}, Total: len(all), Complete: r.Complete, Missing: r.Missing}
		for _, s := range all[:min(len(all), limit)] {
			one := socket{ID: s.ID(), Rooms: s.Rooms(), Since: s.Handshake().Time()}
			if one.Rooms == nil {
				one.Rooms = []string{}
			}
			if data {
				if one.Data, err = json.Marshal(s.Data()); err != nil {
					one.Data = json.RawMessage("{}") // what no other node could be told, either
				}
			}
			a.Sockets = append(a.Sockets, one)
		}
		return a, nil
	}, nil
}
