package socketio

import (
	"errors"
	"fmt"

	"github.com/sockeye-io/sockeye/socketio/internal/forward"
)

// leastSecret is how many bytes a secret has at least.
const leastSecret = 16

// CheckAdvertise looks whether text can be ClusterOptions.Advertise, and
// returns it as it is told to others. The error says what to write. It is for
// programs that take it from a flag: [New] panics on a wrong one.
func CheckAdvertise(text string) (string, error) {
	u, err := forward.CheckAddress(text)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// checkForward looks whether requests of this node's sessions can be passed on to
// it by others. The error says what to write.
func (o *ClusterOptions) checkForward() error {
	switch n := len(o.Secret); {
	case n > 0 && n < leastSecret:
		return fmt.Errorf("ClusterOptions.Secret holds %d bytes, and a secret has %d or more", n, leastSecret)
	case o.Advertise == "":
		return nil
	case n == 0:
		return errors.New("ClusterOptions.Advertise needs Secret, the same on all nodes")
	}
	if _, err := forward.CheckAddress(o.Advertise); err != nil {
		return fmt.Errorf("ClusterOptions.Advertise: %w", err)
	}
	return nil
}

// forwards makes the part that passes requests on, and returns what others are
// told of where this node is.
func (c *clustered) forwards(self string) string {
	o, e := &c.srv.opts.ClusterOptions, &c.srv.opts.Engine
	c.forward = forward.New(forward.Config{
		Self: forward.Node{ID: self, Name: o.Name}, Advertise: o.Advertise, Secret: o.Secret, TLS: o.ForwardTLS, Max: o.MaxForwards,
		BodyTimeout: e.BodyTimeout, WriteTimeout: e.WriteTimeout, Log: c.srv.log,
		Tell: func(outcome string, n forward.Node) {
			c.trace(ClusterEvent{Kind: ClusterForward, Node: n.ID, Name: n.Name, Why: outcome})
		},
	})
	return c.forward.Address()
}

// nodesChanged tells it who is there.
func (c *clustered) nodesChanged() {
	var list []forward.Node
	for _, n := range c.core.Peers() {
		list = append(list, forward.Node{ID: n.ID, Name: n.Name, Address: n.Address})
	}
	c.forward.Nodes(list)
}

// ForwardOutcomes are what becomes of requests for sessions of other nodes, as
// ClusterStats.Forwards counts them: a word for metrics, and what it means.
func ForwardOutcomes() [][2]string { return append([][2]string(nil), forward.Outcomes...) }
