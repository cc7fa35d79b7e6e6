package socketio

// unheard counts an event that nobody handles.
func (srv *Server) unheard(s *Socket, event string) { srv.stats.ignored("no handler") }
