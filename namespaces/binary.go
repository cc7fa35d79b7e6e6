package namespaces

import (
	"context"
	"net/http"
	"slices"

	"github.com/sockeye-io/sockeye/socketio"
)

// What the wall of pictures hears and says.
const (
	//sockeye:nonnull
	WallJoin    socketio.Call[Seat, []Picture]      = "join"
	WallShow    socketio.Call[Shown, socketio.None] = "show"
	WallPicture socketio.Event[Picture]             = "picture"
)

// Shown is a picture as it comes: bytes, and nothing said about them.
type Shown struct {
	//sockeye:nonnull
	Data []byte `json:"data"`
}

// Picture is one on the wall.
type Picture struct {
	Name string `json:"name"`
	Type string `json:"type"` // what its bytes say it is
	//sockeye:nonnull
	Data []byte `json:"data"`
}

var pictureTypes = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// Binary is rooms with a wall of pictures: the last six that were shown.
func Binary(ns *socketio.Namespace) {
	walls := keepRooms[[]Picture](ns)
	costs := polite(ns, 2, 8)
	costs.purse *= 4 // pictures are large
	here := seats(ns)

	WallJoin.On(ns, func(_ context.Context, s *socketio.Socket, want Seat) (wall []Picture, err error) {
		seat, _, cost, err := here.sit(s, want)
		if err != nil {
			return nil, err
		}
		err = walls.in(seat.Room, func(all *[]Picture) { wall = append([]Picture{}, *all...) })
		for _, p := range wall {
			cost += len(p.Data) + overhead
		}
		costs.charge(s, cost)
		return wall, err
	})

	WallShow.On(ns, func(_ context.Context, s *socketio.Socket, shown Shown) (none socketio.None, err error) {
		seat, _ := Place.Get(s)
		p := Picture{seat.Name, http.DetectContentType(shown.Data), shown.Data}
		switch {
		case len(p.Data) > 700_000:
			return none, socketio.Errorf("too_big", "a picture may have 700 KB, this has %d", len(p.Data)/1000)
		case !slices.Contains(pictureTypes, p.Type):
			return none, socketio.Errorf("no_picture", "these bytes are %s, not a PNG, JPEG, GIF or WebP image", p.Type).With(map[string]any{"type": p.Type})
		}
		err = walls.in(seat.Room, func(all *[]Picture) {
			hang(walls, all, p)
		})
		if err != nil {
			return none, err
		}
		costs.charge(s, len(p.Data)*(ns.RoomLen(seat.Room)-1))
		return none, WallPicture.Emit(ns.To(seat.Room), p)
	})
}

// maxWalls bounds the bytes of all pictures on all walls: who keeps many rooms
// open loses what is in the oldest.
const maxWalls = 64 << 20

// hang adds p to a wall, one of walls. It is for an f of in.
func hang(walls *rooms[[]Picture], wall *[]Picture, p Picture) {
	all := append(*wall, p)
	*wall = slices.Clone(all[max(0, len(all)-6):])
	walls.lightenLocked(maxWalls, weight, func(wall *[]Picture) { *wall = slices.Clone((*wall)[1:]) })
}

func weight(wall *[]Picture) (bytes int) {
	for _, p := range *wall {
		bytes += len(p.Data) + overhead
	}
	return bytes
}
