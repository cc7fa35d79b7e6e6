package namespaces

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

// What the page about acks hears and says. An order carries an id that is the
// same when it is sent again.
const (
	AckOrder                         = "order" // id, how to answer it
	AckWorked socketio.Event[Worked] = "worked"
)

// Worked tells how often an order has come. The work is done the first time.
type Worked struct {
	ID    string `json:"id"`
	Times int    `json:"times"`
}

// Acks takes orders and answers them as its client wants to see it: at once,
// late, the second time, or not at all.
func Acks(ns *socketio.Namespace) {
	polite(ns, 10, 30)
	chaos(ns)
	var orders ledger

	ns.On(AckOrder, func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
		var id, mood string
		if err := r.Scan(&id, &mood); err != nil {
			return err
		}
		times := orders.note(s.Conn().Network(), id[:min(len(id), 40)])
		if err := AckWorked.Emit(s, Worked{id, times}); err != nil {
			return err
		}
		switch {
		case !r.WantsAck(), mood == "silent", mood == "second" && times < 2:
			return nil
		case mood == "late":
			time.AfterFunc(1500*time.Millisecond, func() { _ = r.Ack("done") }) // who left meanwhile needs none
			return nil
		}
		return r.Ack("done")
	})
	ns.OnDisconnect(func(context.Context, *socketio.Socket, socketio.DisconnectReason) {
		if ns.Len() == 0 {
			orders.forget()
		}
	})
}

// ledger knows the last thousand orders, how often each has come, and from where.
type ledger struct {
	mu    sync.Mutex
	times map[string]int
	order []order // by age
}

type order struct {
	from netip.Prefix
	id   string
}

// note counts an order. If there are too many, the oldest of the address that
// has most is forgotten: nobody makes the ledger forget what others have ordered.
func (l *ledger) note(from netip.Prefix, id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.times == nil {
		l.times = map[string]int{}
	}
	if l.times[id] == 0 {
		l.order = append(l.order, order{from, id})
	}
	if len(l.order) > 1000 {
		has, most := map[netip.Prefix]int{}, from
		for _, o := range l.order {
			if has[o.from]++; has[o.from] > has[most] {
				most = o.from
			}
		}
		i := slices.IndexFunc(l.order, func(o order) bool { return o.from == most })
		delete(l.times, l.order[i].id)
		l.order = slices.Delete(l.order, i, i+1)
	}
	l.times[id]++
	return l.times[id]
}

func (l *ledger) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.times, l.order = nil, nil
}
