// Package adaptertest has what tests of clusters stand on: a [Bus], which is a
// cluster in one process whose faults a test commands, and [Run], the suite
// that every backend passes.
//
//	bus := adaptertest.NewBus()
//	a := socketio.New(&socketio.Options{Cluster: bus.Adapter("a")})
//	b := socketio.New(&socketio.Options{Cluster: bus.Adapter("b")})
//	bus.Cut("a") // a's connection to the others is gone
//
// A bus needs no real time: in a bubble of testing/synctest all of it, delays
// included, runs at once and ends with the last Close.
package adaptertest
