// Package simulation lets faults loose on whole servers in a cluster, by seed
// and in fake time, and has what happened checked by the rules of a history.
//
// Each seed is a life of about a minute: two to four servers on the bus of
// adaptertest, clients that come, go, join and leave, events to all, to rooms,
// to sockets, with exceptions, volatile ones, questions to clients and servers;
// meanwhile messages are lost, doubled and late, connections are cut, the broker
// pauses or goes away, nodes crash, end and come. Then all is mended, and what
// is emitted last must arrive.
//
//	make simulate                 10,000 seeds
//	SEED=77 make simulate         this one, with its history
package simulation
