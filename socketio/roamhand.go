package socketio

import (
	"context"
	"crypto/sha256"
)

// takeHanded finds a client whose node has ended.
func (m *roam) takeHanded(context.Context, *Socket, [sha256.Size]byte, any) (*absent, notRecovered) {
	return nil, noSession
}

func (m *roam) missesHanded(*absent) notRecovered { return uncovered }
