package engineio

// What other nodes of a cluster have to say comes all at once when their broker
// has been away: more than MaxQueue, and sooner than any client takes it. That
// is no client's fault, and the memory is there once for all of them. So it does
// not count against the clients as long as it is among the last burstBytes that
// other nodes have said, however many wait for it.
const (
	burstBytes = 32 << 20
	burstUnit  = 32 // what a message costs each client that it waits for, beside its bytes
)

// FromElsewhere tells that m, which was not sent yet, is what another node has
// said; see Options.MaxQueue.
func (srv *Server) FromElsewhere(m *Message) {
	m.elsewhere = true
	srv.elsewhereBytes.Add(uint64(m.cost()))
}

// A lag is how a client falls behind with more than a quarter of MaxQueue.
type lag struct {
	since uint64 // of Server.elsewhereBytes: what waits came later, but for what is own
	own   int    // no less than what waits that is not from elsewhere; cost of the queue beside
}

func (q *queued) ownCost() int {
	if q.m.elsewhere {
		return burstUnit
	}
	return q.m.cost()
}

// boundedLocked reports whether MaxQueue lets q in behind what waits, have bytes.
// The session is open.
func (s *Session) boundedLocked(q queued, have int) bool {
	most, cost, said := s.srv.opts.MaxQueue, q.m.cost(), s.srv.elsewhereBytes.Load()
	if most < 0 || have == 0 || said == 0 || s.srv.opts.SlowPolicy != Close {
		return most < 0 || have == 0 || have+cost <= most
	}
	if have+cost <= most/4 {
		s.fate = nil
		return true
	}
	if s.fate == nil {
		s.fate = &fate{lag: lag{said, have}}
		if q.m.elsewhere {
			s.fate.lag.since -= uint64(cost)
		}
	}
	l := &s.fate.lag
	if own := l.own + q.ownCost(); have+cost <= most || own <= most && said-l.since <= burstBytes {
		l.own = own
		return true
	}
	return false
}

// caughtUpLocked looks whether a client that lagged takes what it is sent again.
// The session is open.
func (s *Session) caughtUpLocked() {
	if s.fate != nil && s.bufferedLocked() <= s.srv.opts.MaxQueue/4 {
		s.fate = nil
	}
}

// laggingLocked reports whether so much waits that m has to be counted by
// boundedLocked.
func (s *Session) laggingLocked(m *Message) bool {
	most := s.srv.opts.MaxQueue
	return m.elsewhere && most >= 0 && s.transport.buffered() > most/4
}

// portionLocked takes out of the queue what answers a poll: all, or some if that
// is so much that it must come from elsewhere. An answer is memory of this
// client's own, and counts while it is on its way.
func (s *Session) portionLocked() []queued {
	batch, most := s.queue, s.srv.opts.MaxQueue/2
	if most < 0 || s.queued <= most || s.srv.elsewhereBytes.Load() == 0 {
		s.queue, s.queued, s.owed = nil, 0, 0
		if s.state.Load() == stateOpen {
			s.caughtUpLocked()
		}
		return batch
	}
	n := 0
	for bytes := 0; n < len(batch) && (n == 0 || bytes+batch[n].m.cost() <= most); n++ {
		q := &batch[n]
		bytes += q.m.cost()
		s.queued -= q.m.cost()
		if s.fate != nil {
			s.fate.lag.own = max(s.fate.lag.own-q.ownCost(), 0)
		}
	}
	s.queue = batch[n:]
	return batch[:n:n]
}
