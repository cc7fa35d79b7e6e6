package cluster

import "sync"

// interest is what is here: namespaces, and rooms with members, counted by the
// lane that leads to them.
type interest struct {
	mu         sync.Mutex
	namespaces map[string]bool
	rooms      map[laneKey]int
}

// serve notes that a namespace is here, or not any more.
func (i *interest) serve(ns string, on bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.namespaces == nil {
		i.namespaces = make(map[string]bool)
	}
	if on {
		i.namespaces[ns] = true
	} else {
		delete(i.namespaces, ns)
	}
}

func (i *interest) serves(ns string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.namespaces[ns]
}

// change counts a room, and reports whether it was the lane's last.
func (i *interest) change(k laneKey, on bool) (gone bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.rooms == nil {
		i.rooms = make(map[laneKey]int)
	}
	if on {
		i.rooms[k]++
		return false
	}
	if i.rooms[k]--; i.rooms[k] > 0 {
		return false
	}
	delete(i.rooms, k)
	return true
}

func (i *interest) has(k laneKey) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.rooms[k] > 0
}
