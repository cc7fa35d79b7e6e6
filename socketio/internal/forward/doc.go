// Package forward passes requests on from the node of a cluster that they have
// reached to the one that has their session. It knows no session: which node it
// is, the session's id tells by its last characters, the node's tag.
//
// # What holds
//
//   - A request is passed on once. It carries who passes it on, for whom, when,
//     the client's address and a signature of all that and of what is asked, made
//     with the secret that the nodes share, which itself never travels.
//   - The address of a node is signed likewise: nobody else who can speak in the
//     cluster's name can have clients' requests sent elsewhere.
//   - Nothing is held back: bodies and answers are copied as they come, WebSockets
//     in both directions, each of which may end before the other.
//   - It ends when the client goes, when the other node is gone or not reached,
//     and when there are too many: then an address that has more than others
//     gives one up.
//
// # Two ways
//
// A request that net/http has read is a hop, which has goroutines of its own and
// writes to a ResponseWriter. One that has come on a connection that was taken
// over from net/http is a [Relay], which has none: whoever reads the client's
// connection writes to a wire, and whoever reads the wire writes to the client.
// Both count alike, share the bound, and fail alike.
package forward
