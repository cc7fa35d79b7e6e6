package engineio

// Trace is told of single events. Its functions are optional; they are called
// from any goroutine, with no lock held, may be called at once, and must not
// block.
//
// Upgraded is called by a worker, a moment later, and so perhaps beside Closed.
// The functions that tell what became of messages are called by a worker, a
// moment later: so they may send, even if whoever sent a message holds a lock
// meanwhile. Added up, what they tell is what Stats counts.
type Trace struct {
	Opened   func(*Session)                // there is a new session
	Upgraded func(*Session)                // it has changed from polling to websocket
	Closed   func(*Session, Reason, error) // it has ended; the error is the cause, or nil
	Refused  func(*ConnectionError)        // a request was; as Options.OnConnectionError
	// Bound: a limit was reached, and is counted in Stats.Bounds; detail is for
	// people.
	Bound func(b Bound, detail string)
	// Panicked: a function of the application has; where says which.
	Panicked func(where string, value any, stack []byte)

	// Dropped: a message that Send has not accepted, or that was taken out of
	// the session's queue. The latter is told to Abandoned, too.
	Dropped func(*Session, *Message, Drop)
	// Delivered: so many messages were written to the client's socket, or into
	// the answer to its poll.
	Delivered func(s *Session, messages int)
	// Abandoned: so many that Send had accepted were given up.
	Abandoned func(s *Session, messages int)
}

// dropTask calls Trace.Dropped.
type dropTask struct {
	s   *Session
	m   *Message
	why Drop
}

func (t dropTask) Run() {
	srv := t.s.srv
	srv.guard("Trace.Dropped", func() { srv.opts.Trace.Dropped(t.s, t.m, t.why) })
}

// fateTask calls Trace.Delivered and Trace.Abandoned.
type fateTask struct {
	s                    *Session
	delivered, abandoned uint64
}

// told has the hooks told, if there are any. Locks may be held.
func (srv *Server) told(f fateTask) {
	if t := srv.opts.Trace; t != nil && (t.Delivered != nil || t.Abandoned != nil) {
		srv.poller.Go(f)
	}
}

func (f fateTask) Run() {
	srv := f.s.srv
	t := srv.opts.Trace
	if f.delivered > 0 && t.Delivered != nil {
		srv.guard("Trace.Delivered", func() { t.Delivered(f.s, int(f.delivered)) })
	}
	if f.abandoned > 0 && t.Abandoned != nil {
		srv.guard("Trace.Abandoned", func() { t.Abandoned(f.s, int(f.abandoned)) })
	}
}
