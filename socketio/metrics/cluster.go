package metrics

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// cluster is what is counted of it; nothing, without one.
func cluster(st *socketio.Stats) *socketio.ClusterStats {
	if st.Cluster == nil {
		return new(socketio.ClusterStats)
	}
	return st.Cluster
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

var (
	clusterClasses = func() (list []string) {
		for c := adapter.ClassVolatile; c <= adapter.ClassVital; c++ {
			list = append(list, c.String())
		}
		return list
	}()
	clusterReasons = func() (list []string) {
		for _, r := range adapter.Reasons {
			list = append(list, r[0])
		}
		return list
	}()
	forwardOutcomes = func() (list []string) {
		for _, o := range socketio.ForwardOutcomes() {
			list = append(list, o[0])
		}
		return list
	}()
)

// withZeros is m with an entry for each of keys.
func withZeros(m map[string]uint64, keys []string) map[string]uint64 {
	all := make(map[string]uint64, len(keys)+len(m))
	for _, k := range keys {
		all[k] = 0
	}
	maps.Copy(all, m)
	return all
}

// maxFrom is how many nodes have a value of their own in the metrics.
const maxFrom = 100

// missed is by node, for those of which most is missed. The others together are
// "others", and those that are not there any more "gone"; the sum is all.
func missed(c *socketio.ClusterStats) map[string]uint64 {
	ids := slices.SortedFunc(maps.Keys(c.MissedFrom), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.MissedFrom[b], c.MissedFrom[a]), cmp.Compare(a, b))
	})
	all, told := map[string]uint64{"gone": 0, "others": 0}, uint64(0)
	for i, id := range ids {
		told += c.MissedFrom[id]
		if i >= maxFrom {
			id = "others"
		}
		all[id] += c.MissedFrom[id]
	}
	if c.Missed > told {
		all["gone"] = c.Missed - told
	}
	return all
}
