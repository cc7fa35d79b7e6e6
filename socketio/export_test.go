package socketio

// Kept is what recovery keeps of a namespace's events.
func Kept(ns *Namespace) (count, bytes int) { return ns.recovery.log.Len() }
