// Package shop has an event with each kind of payload that there is.
package shop

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

// Colour is one of a few.
type Colour string

// The colours.
const (
	Red  Colour = "red"
	Blue Colour = "blue"
)

// Size counts from small.
type Size int

// The sizes.
const (
	Small Size = iota
	Large
)

// Money writes itself.
//
//sockeye:type string
type Money struct{ Cents int64 }

// MarshalJSON writes it as text.
func (m Money) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(m.Cents).String()) }

// Base is embedded.
type Base struct {
	ID string `json:"id"`
	// Made is when.
	Made time.Time `json:"made"`
}

// Extra is embedded by pointer: all of it may be missing.
type Extra struct {
	Note string `json:"note"`
}

// Page is a part of a list of things.
type Page[T any] struct {
	Items []T `json:"items"`
	Next  int `json:"next,omitempty"`
}

// Thing has everything.
type Thing struct {
	Base
	*Extra
	Plain    string            // no tag
	Secret   string            `json:"-"`
	Colour   Colour            `json:"colour"`
	Size     Size              `json:"size"`
	Price    Money             `json:"price"`
	From     netip.Addr        `json:"from"`
	Maybe    *int              `json:"maybe"`
	Absent   *string           `json:"absent,omitempty"`
	Empty    []string          `json:"empty,omitempty"`
	Zero     time.Time         `json:"zero,omitzero"`
	Big      uint64            `json:"big,string"`
	Ratio    float32           `json:"ratio"`
	Data     []byte            `json:"data"`
	Corner   [2]float64        `json:"corner"`
	Hash     [8]byte           `json:"hash"`
	Tags     map[string][]bool `json:"tags"`
	ByNumber map[int]Colour    `json:"byNumber"`
	Any      any               `json:"any"`
	Raw      json.RawMessage   `json:"raw,omitempty"`
	Parts    []*Thing          `json:"parts"`
	//sockeye:nonnull
	Sure   []string `json:"sure"`
	Inline struct {
		X int `json:"x"`
	} `json:"inline"`
	Odd string `json:"what's this?"`
}

// Order is what a client sends, by these rules.
type Order struct {
	Name  string   `json:"name" binding:"required,max=40"`
	Email string   `json:"email" binding:"omitempty,email"`
	Count int      `json:"count" binding:"min=1,lte=99"`
	How   string   `json:"how" binding:"oneof=post 'by hand'"`
	Tags  []string `json:"tags" binding:"required,max=3,dive,min=2"`
	Own   string   `json:"own,omitempty" binding:"swordfish"`
	At    *Base    `json:"at" binding:"required"`
}

// Move is two arguments.
type Move struct {
	socketio.Positional
	X float64 `json:"x" binding:"gte=0"`
	Y float64 `json:"y"`
}

// What the shop hears and says.
const (
	// Said tells of a thing.
	//
	// In two paragraphs.
	Said  socketio.Event[Thing]                       = "said"
	Many  socketio.Event[Page[Thing]]                 = "many"
	Few   socketio.Event[Page[Colour]]                = "few"
	Moved socketio.Event[Move]                        = "moved" // both ways
	Bell  socketio.Event[socketio.None]               = "bell"
	Buy   socketio.Call[Order, Thing]                 = "buy"
	Quiet socketio.Call[socketio.None, socketio.None] = "be quiet"
	Sure  socketio.Call[string, bool]                 = "sure?"
)

// Basket is kept on sockets.
const Basket socketio.Key[[]Thing] = "basket"

// Mount registers it all.
func Mount(io *socketio.Server) {
	shop(io.Of("/shop"))
	for _, room := range []string{"/a", "/b"} {
		//sockeye:namespace /a /b
		ns := io.Of(room)
		Bell.On(ns, func(_ context.Context, s *socketio.Socket, _ socketio.None) error {
			return Bell.Emit(s, socketio.None{})
		})
	}
	io.OnConnect(func(_ context.Context, s *socketio.Socket) { _ = s.Emit("hello", s.ID(), 1) }) // of "/"
}

type counter struct{ ns *socketio.Namespace }

func (c *counter) tell(t Thing) error { return Said.Emit(c.ns.To("all"), t) }

func shop(ns *socketio.Namespace) {
	c := &counter{ns: ns}
	Buy.On(ns, func(_ context.Context, _ *socketio.Socket, o Order) (t Thing, err error) { return t, c.tell(t) })
	Moved.On(ns, move)
	Quiet.On(ns, func(context.Context, *socketio.Socket, socketio.None) (n socketio.None, err error) { return n, nil })
	Bell.Once(ns, func(ctx context.Context, s *socketio.Socket, _ socketio.None) error {
		_, err := Sure.EmitWithAck(ctx, s, "really")
		return err
	})
	// free takes what it is told.
	//
	//sockeye:payload string, map[string]int -> Colour
	ns.On("free", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error { return r.Ack(Red) })
	ns.On("scanned", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
		var name string
		var on bool
		return r.Scan(&name, &on)
	})
	for _, day := range []string{"mon", "tue"} {
		//sockeye:name open mon, open tue
		_ = ns.Emit("open "+day, true)
	}
}

func move(_ context.Context, s *socketio.Socket, m Move) error {
	if err := Many.Emit(s, Page[Thing]{}); err != nil {
		return err
	}
	if err := Few.Emit(s, Page[Colour]{}); err != nil {
		return err
	}
	return Moved.Emit(s.Broadcast(), m)
}
