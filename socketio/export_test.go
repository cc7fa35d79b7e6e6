package socketio

// Kept is what recovery keeps of a namespace's events.
func Kept(ns *Namespace) (count, bytes int) { return ns.recovery.log.Len() }

// Remembered is how many clients recovery knows of: connected or on their way, and
// away.
func Remembered(ns *Namespace) (here, away int) {
	r := ns.recovery
	r.lock()
	defer r.unlock()
	return len(r.here), len(r.absents.away)
}

// PassesTo reports whether srv knows to whom requests for sessions of other are
// passed on: a moment after it knows of the node.
func (srv *Server) PassesTo(other *Server) bool {
	return srv.cluster.forward.Find("0123456789abcdef"+other.cluster.forward.Tag()) != nil
}
