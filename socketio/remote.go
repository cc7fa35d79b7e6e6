package socketio

// A RemoteSocket is a socket as any node of a cluster sees it: one that is
// connected to this node, or to another. [Broadcast.FetchSockets] lists them.
// It is a value that can be copied and kept. Of a socket of another node it
// tells how that was when it was asked for; what it is told to do goes there,
// and is not waited for.
type RemoteSocket struct{ at peer }

// A peer is what a RemoteSocket needs of the socket that it stands for. A
// [Socket] is one.
type peer interface {
	ID() string
	Handshake() *Handshake
	Rooms() []string
	Data() map[string]any
	Emit(event string, args ...any) error
	Join(rooms ...string) error
	Leave(rooms ...string)
	Disconnect(closeConn bool)
}

var _ peer = (*Socket)(nil)

// ID returns the socket's id.
func (r RemoteSocket) ID() string { return r.at.ID() }

// Handshake returns what the client brought along.
func (r RemoteSocket) Handshake() *Handshake { return r.at.Handshake() }

// Rooms lists the rooms it is in.
func (r RemoteSocket) Rooms() []string { return r.at.Rooms() }

// Data returns a copy of what is kept on it; that of a socket of another node
// has come as JSON, so that numbers are float64, and structs are maps.
func (r RemoteSocket) Data() map[string]any { return r.at.Data() }

// Emit sends it an event; see [Emitter].
func (r RemoteSocket) Emit(event string, args ...any) error { return r.at.Emit(event, args...) }

// Join makes it join rooms; see [Socket.Join]. Of a socket of another node the
// error is always nil.
func (r RemoteSocket) Join(rooms ...string) error { return r.at.Join(rooms...) }

// Leave makes it leave rooms.
func (r RemoteSocket) Leave(rooms ...string) { r.at.Leave(rooms...) }

// Disconnect disconnects it; see [Socket.Disconnect].
func (r RemoteSocket) Disconnect(closeConn bool) { r.at.Disconnect(closeConn) }

// Local returns the socket itself if it is connected to this node.
func (r RemoteSocket) Local() (*Socket, bool) {
	s, ok := r.at.(*Socket)
	return s, ok
}
