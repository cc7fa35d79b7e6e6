package cluster

import (
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// laneKey names a row of numbers of one sender.
type laneKey struct {
	ns   string
	lane uint32
}

// most is how many rows are kept: of this node, and of each other node.
const most = 1 << 16

// numbers are those that this node has given out.
type numbers struct {
	mu    sync.Mutex
	lanes map[laneKey]*lane
	beat  uint64 // how many heartbeats there were
}

type lane struct {
	last uint64
	beat uint64 // that came before the last message
}

func (n *numbers) init() { n.lanes = make(map[laneKey]*lane) }

// first is a number above all that any row of this node's has had before: time
// goes on by four million a millisecond. By its last bits others see that none
// came before.
func first() uint64 { return uint64(time.Now().UnixMilli()) << rowBits }

const rowBits = 22

// isFirst reports whether a number is what first returns.
func isFirst(seq uint64) bool { return seq&(1<<rowBits-1) == 0 }

func (n *numbers) laneLocked(ns string, number uint32) *lane {
	k := laneKey{ns, number}
	l := n.lanes[k]
	if l == nil {
		for old, o := range n.lanes { // any: it begins anew when it is needed
			if len(n.lanes) < most {
				break
			}
			if o.beat+3 < n.beat {
				delete(n.lanes, old)
			}
		}
		l = &lane{last: first()}
		n.lanes[k] = l
	}
	return l
}

// told is how many positions a heartbeat carries at most.
const told = 1000

// positions are those that others may not know yet: of the last heartbeats, one
// of which may have been lost. all: every one.
func (n *numbers) positions(all bool) []adapter.Position {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.beat++
	var list []adapter.Position
	for k, l := range n.lanes {
		if len(list) == told {
			break
		}
		if all || l.beat+3 >= n.beat {
			list = append(list, adapter.Position{NS: k.ns, Lane: k.lane, Seq: l.last})
		}
	}
	return list
}
