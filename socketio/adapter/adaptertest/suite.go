package adaptertest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// A Cluster is a broker with nothing on it, for one test of the suite. What is
// nil cannot be done; what is shown by it is not tested then.
type Cluster struct {
	// Adapter makes the connection of one more node. The suite starts and closes
	// it. At the first call it may ask for Traits only.
	Adapter func() adapter.Adapter

	// Stop takes the broker away, for all: connections end, new ones are refused.
	// Start brings it back.
	Stop, Start func()

	// Cut takes the broker away from one node only, Mend brings it back.
	Cut, Mend func(a adapter.Adapter)

	// Inject sends bytes as they are where all nodes hear messages of the
	// namespace, on each channel of it if there are several.
	Inject func(ns string, raw []byte)

	// Garbage is what the suite injects besides what it thinks of itself. Nothing
	// of it is a message.
	Garbage [][]byte

	// Least is how many nodes the backend needs to keep what it promises: the suite
	// starts as many, whatever a check asks for.
	Least int

	// QueueBytes is how much the queue of each adapter holds: small enough for the
	// suite to fill it.
	QueueBytes int
}

// Run runs the suite: what every backend must do, as its Traits promise. cluster is
// called for each test; what it starts it ends with t.Cleanup.
func Run(t *testing.T, cluster func(t *testing.T) Cluster) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			c.run(newSuite(t, cluster(t)))
		})
	}
}

// RunLog runs what of the suite is about a log and what it changes, for a backend
// of which all is run without one too.
func RunLog(t *testing.T, cluster func(t *testing.T) Cluster) {
	for _, c := range checks {
		if slices.Contains([]string{"Order", "Log", "Sessions", "Claim"}, c.name) {
			t.Run(c.name, func(t *testing.T) {
				c.run(newSuite(t, cluster(t)))
			})
		}
	}
}

// check is one test of the suite.
type check struct {
	name string
	run  func(s *suite)
}

var checks = []check{
	{"Kinds", (*suite).kinds},
	{"Names", (*suite).names},
	{"Large", (*suite).large},
	{"Copies", (*suite).copies},
	{"Order", (*suite).order},
	{"Addressee", (*suite).addressee},
	{"Rooms", (*suite).rooms},
	{"Lanes", (*suite).lanes},
	{"Wants", (*suite).wants},
	{"Count", (*suite).count},
	{"Claim", (*suite).claim},
	{"Log", (*suite).log},
	{"Sessions", (*suite).sessions},
	{"Garbage", (*suite).garbage},
	{"States", (*suite).states},
	{"StartsWithoutBroker", (*suite).startsWithoutBroker},
	{"Interruption", (*suite).interruption},
	{"Queue", (*suite).queue},
	{"Close", (*suite).close},
	{"CloseWithoutBroker", (*suite).closeWithoutBroker},
	{"Together", (*suite).together},
}

// suite is one run of a check.
type suite struct {
	t testing.TB
	Cluster
	patience time.Duration // for what must happen
	peers    []*peer       // all that were started
}

// queues is what each node has queued and given up.
func (s *suite) queues() (list []string) {
	for _, p := range s.peers {
		st := p.a.Stats()
		list = append(list, fmt.Sprintf("%s: %d bytes, dropped %v", p.id, st.Queued, st.Dropped))
	}
	return list
}

func newSuite(t testing.TB, c Cluster) *suite {
	return &suite{t: t, Cluster: c, patience: slow.Stretch(15 * time.Second)}
}
