package engineio

import "errors"

// queued is a message that waits for its transport.
type queued struct {
	m *Message
	f Flags
}

// Send queues m and never blocks. nil means that it will be sent unless the
// session ends first. With an error it was dropped, and counted: ErrClosed;
// ErrNotWritable for a Volatile message that would have had to wait;
// ErrQueueFull by Options.SlowPolicy. What one goroutine sends arrives in order.
func (s *Session) Send(m *Message, f Flags) error {
	s.mu.Lock()
	var why Drop
	var after aftermath
	switch t := s.transport; {
	case s.state.Load() != stateOpen:
		why = DropClosed
	case len(s.queue) == 0 && t.ready() && !s.laggingLocked(m):
		err := t.write(m, f)
		if errors.Is(err, errTransportFull) {
			// Much was written at once and nobody has had the time to send it.
			s.mu.Unlock()
			t.push()
			s.mu.Lock()
			err = t.write(m, f)
		}
		switch {
		case err == nil:
			s.caughtUpLocked()
		case errors.Is(err, errTransportFull):
			why, after = s.enqueueLocked(m, f)
		default:
			why = DropClosed
		}
	default:
		why, after = s.enqueueLocked(m, f)
	}
	s.mu.Unlock()
	if after.s != nil { // else there is nothing to copy for
		after.run()
	}
	switch why {
	case "":
		s.srv.sent(s, m.size)
		return nil
	case DropNotWritable:
		s.srv.dropped(s, m, why)
		return ErrNotWritable
	case DropQueueFull:
		s.srv.dropped(s, m, why)
		return ErrQueueFull
	}
	s.srv.dropped(s, m, why)
	return ErrClosed
}

// enqueueLocked puts m behind what waits already, if policy and bound let it.
func (s *Session) enqueueLocked(m *Message, f Flags) (why Drop, after aftermath) {
	if s.state.Load() != stateOpen {
		return DropClosed, after
	}
	o := &s.srv.opts
	if f&Volatile != 0 && o.SlowPolicy != DropVolatile && !s.transport.listens() {
		return DropNotWritable, after
	}
	if have := s.bufferedLocked(); !s.boundedLocked(queued{m, f}, have) {
		after = s.shedLocked(have + m.cost() - o.MaxQueue)
		if s.bufferedLocked()+m.cost() > o.MaxQueue {
			if f&Volatile != 0 || o.SlowPolicy == DropOldest {
				return DropQueueFull, after
			}
			shed := after.dropped
			after = s.boundLocked(BoundMaxQueue, "the client takes its messages too slowly")
			after.dropped, after.shed = append(shed, after.dropped...), len(shed)
			return DropQueueFull, after
		}
	}
	s.queue = append(s.queue, queued{m, f})
	s.queued += m.cost()
	s.transport.flush()
	return "", after
}

// shedLocked gives up waiting messages as the policy says, at least n bytes if
// there are so many.
func (s *Session) shedLocked(n int) (after aftermath) {
	policy := s.srv.opts.SlowPolicy
	if policy == Close {
		return after
	}
	after.s = s
	keep := s.queue[:0]
	for i, q := range s.queue {
		if n <= 0 {
			keep = append(keep, s.queue[i:]...)
			break
		}
		if q.m.isControl() || policy == DropVolatile && q.f&Volatile == 0 {
			keep = append(keep, q)
			continue
		}
		n -= q.m.cost()
		s.queued -= q.m.cost()
		after.dropped = append(after.dropped, q)
	}
	clear(s.queue[len(keep):])
	s.queue, after.shed = keep, len(after.dropped)
	return after
}

// What a client can make the server hold by what it asks for and does not read
// stays below 64 KiB, beyond what the socket takes: twice maxOwed, in the queues
// of session and connection, and maxUnsent.
const (
	maxOwed   = 24 << 10 // packets in a session's queue that are no messages
	maxUnsent = 16 << 10 // answers on a connection that nobody has tried to send
	owedUnit  = 32       // of Session.owed: what a packet costs that all share
	ownedPong = 10       // units that a pong of one client's costs
)

// controlLocked sends a packet that is no message, and costs so many units if
// it has to wait. Once maxOwed is reached it gives up the packet, and says so.
func (s *Session) controlLocked(m *Message, units uint16) bool {
	if t := s.transport; len(s.queue) == 0 && t.ready() && t.write(m, NoCompress) == nil {
		return true
	}
	if s.owed+units > maxOwed/owedUnit {
		return false
	}
	s.owed += units
	s.queue = append(s.queue, queued{m, NoCompress})
	s.queued += m.cost()
	s.transport.flush()
	return true
}
