package socketio_test

import "strings"

// then is a step after which nothing goes on.
func then(f func(g *ground) *wire) func(*ground) (*wire, func()) {
	return func(g *ground) (*wire, func()) { return f(g), nil }
}

func handshakeFaults() []fault {
	list := cutAfter("websocket request", wsRequest(""), (*ground).dial, fault{})
	list = append(list, cutAfter("polling request", getRequest(""), (*ground).dial, fault{})...)
	return append(list, []fault{
		{"connection", then((*ground).dial), "", ""},
		{"websocket request sent", then(func(g *ground) *wire {
			w := g.dial()
			w.put(wsRequest(""))
			return w
		}), lostOrNot, ""},
		{"polling request sent", then(func(g *ground) *wire {
			w := g.dial()
			w.put(getRequest(""))
			return w
		}), "|" + unheard, ""},
		{"refusal not read", then(func(g *ground) *wire {
			w := g.dial()
			w.put(strings.Replace(wsRequest(""), "EIO=4", "EIO=5", 1))
			return w
		}), "", ""},
		{"websocket, 101 read", then(func(g *ground) *wire { return g.openWebSocket("") }), lost, ""},
		{"websocket, open read", then(func(g *ground) *wire {
			w := g.openWebSocket("")
			w.until("0{")
			return w
		}), lost, ""},
		{"websocket, CONNECT in part", then(func(g *ground) *wire {
			w := g.openWebSocket("")
			w.put(frame(opText, "40")[:5])
			return w
		}), lost, ""},
		{"websocket, CONNECT sent", then(func(g *ground) *wire {
			w := g.openWebSocket("")
			w.text("40")
			return w
		}), lost, lostOrNot},
		{"websocket, connected", then((*ground).webSocket), lost, lost},
		{"websocket, event in part", then(func(g *ground) *wire {
			w := g.webSocket()
			w.put(frame(opText, `42["echo","x"]`)[:9])
			return w
		}), lost, lost},
		{"websocket, event sent", then(func(g *ground) *wire {
			w := g.webSocket()
			w.text(`427["echo","x"]`)
			return w
		}), lost, lost},
		{"polling, open read", then(func(g *ground) *wire { return g.poller().wire }), shut, ""},
		{"polling, CONNECT in part", then(func(g *ground) *wire {
			p := g.poller()
			s := postRequest(p.query, "40")
			p.put(s[:len(s)-1])
			return p.wire
		}), failed, ""},
		{"polling, CONNECT posted", then(func(g *ground) *wire {
			p := g.poller()
			p.post("40")
			return p.wire
		}), shut, shut},
		{"polling, connected", then(func(g *ground) *wire { return g.poller().join().wire }), shut, shut},
		{"polling, poll in part", then(func(g *ground) *wire {
			p := g.poller().join()
			p.put(getRequest(p.query)[:60])
			return p.wire
		}), shut, shut},
		{"polling, poll parked", then(func(g *ground) *wire {
			p := g.poller().join()
			p.park()
			return p.wire
		}), failed, failed},
		{"polling, post in part", then(func(g *ground) *wire {
			p := g.poller().join()
			s := postRequest(p.query, `42["echo","x"]`)
			p.put(s[:len(s)-5])
			return p.wire
		}), failed, failed},
		{"polling, post sent", then(func(g *ground) *wire {
			p := g.poller().join()
			p.put(postRequest(p.query, `427["echo","x"]`))
			return p.wire
		}), unheard, unheard},
		{"polling, large answer not read", then(func(g *ground) *wire {
			p := g.poller().join()
			p.post(`42["flood"]`)
			eventually(g.t, "the flood", func() bool { return g.io.Stats().Engine.MessagesOut >= floodSize })
			p.park()
			return p.wire
		}), unheard, unheard},
	}...)
}

// upgrading is a client that has joined over polling and opened a websocket.
func upgrading(g *ground) (p *pollClient, w *wire) {
	p = g.poller().join()
	return p, g.openWebSocket(p.query)
}

// still is what shows that a polling session goes on.
func (p *pollClient) still() func() { return func() { p.ask("still here"); _ = p.Close() } }

// whole has the poller's connection end with a test that has no more use for it.
func (p *pollClient) whole() func() { return func() { _ = p.Close() } }

func upgradeFaults() []fault {
	var list []fault
	for _, n := range []int{1, 40, 120} {
		list = append(list, fault{"upgrade request in part", func(g *ground) (*wire, func()) {
			p := g.poller().join()
			w := g.dial()
			w.put(wsRequest(p.query)[:n])
			return w, p.still()
		}, shut, shut})
	}
	return append(list, []fault{
		{"upgrade request sent", func(g *ground) (*wire, func()) {
			p := g.poller().join()
			w := g.dial()
			w.put(wsRequest(p.query))
			return w, p.still()
		}, shut, shut},
		// CVE-2022-41940: the client resets the connection while it is refused.
		{"upgrade refused, answer not read", func(g *ground) (*wire, func()) {
			p := g.poller().join()
			w := g.dial()
			w.put(wsRequest("&sid=unknown"))
			return w, p.still()
		}, shut, shut},
		{"upgrade refused, answer read in part", func(g *ground) (*wire, func()) {
			p := g.poller().join()
			w := g.dial()
			w.put(strings.Replace(wsRequest(p.query), "\r\n\r\n", "\r\nOrigin: http://evil.example\r\n\r\n", 1))
			if _, err := w.in.ReadByte(); err != nil {
				g.t.Fatal(err)
			}
			return w, p.still()
		}, shut, shut},
		{"101 read", func(g *ground) (*wire, func()) {
			p, w := upgrading(g)
			return w, p.still()
		}, shut, shut},
		{"probe in part", func(g *ground) (*wire, func()) {
			p, w := upgrading(g)
			w.put(frame(opText, "2probe")[:7])
			return w, p.still()
		}, shut, shut},
		{"probe sent", func(g *ground) (*wire, func()) {
			p, w := upgrading(g)
			w.text("2probe")
			return w, p.still()
		}, shut, shut},
		{"probe answered", func(g *ground) (*wire, func()) {
			p, w := upgrading(g)
			w.text("2probe")
			w.until("3probe")
			return w, p.still()
		}, shut, shut},
		{"poll released", func(g *ground) (*wire, func()) {
			p, w := upgrading(g)
			p.park()
			w.text("2probe")
			w.until("3probe")
			if _, body := p.answer(); body != "6" {
				g.t.Errorf("the poll was released with %q", body)
			}
			return w, p.still()
		}, shut, shut},
		{"upgrade packet in part", func(g *ground) (*wire, func()) {
			p, w := upgrading(g)
			w.text("2probe")
			w.until("3probe")
			w.put(frame(opText, "5")[:6])
			return w, p.still()
		}, shut, shut},
		{"upgrade packet sent", func(g *ground) (*wire, func()) {
			p, w := upgrading(g)
			w.text("2probe")
			w.until("3probe")
			w.text("5")
			eventually(g.t, "the upgrade", func() bool { return g.io.Stats().Engine.Upgraded == 1 })
			return w, p.whole()
		}, lost, lost},
		{"upgraded", func(g *ground) (*wire, func()) {
			p, w := upgrading(g)
			w.text("2probe")
			w.until("3probe")
			w.text("5")
			w.ask("upgraded")
			return w, p.whole()
		}, lost, lost},
		{"poll parked, before the probe", func(g *ground) (*wire, func()) {
			p, w := upgrading(g)
			p.park()
			return p.wire, func() {
				w.until("close")
				_ = w.Close()
			}
		}, failed, failed},
		{"no poll, after the probe", func(g *ground) (*wire, func()) {
			p, w := upgrading(g)
			w.text("2probe")
			w.until("3probe")
			return p.wire, func() {
				w.text("5")
				w.ask("upgraded")
				_ = w.Close()
			}
		}, lost, lost},
	}...)
}

func closeFaults() []fault {
	closing := func(packet string) func(g *ground) (*wire, func()) {
		return then(func(g *ground) *wire {
			w := g.webSocket()
			w.put(packet)
			return w
		})
	}
	return []fault{
		{"websocket, close packet sent", closing(frame(opText, "1")), lost, lost},
		{"websocket, close frame sent", closing(frame(opClose, "\x03\xe8")), lost, lost},
		{"websocket, close frame in part", closing(frame(opClose, "\x03\xe8")[:5]), lost, lost},
		{"websocket, DISCONNECT sent", closing(frame(opText, "41")), lost, byClient + "|" + lost},
		{"websocket, attachment awaited", closing(frame(opText, `451-["echo",{"_placeholder":true,"num":0}]`)), lost, lost},
		{"websocket, attachment in part", closing(frame(opText, `451-["echo",{"_placeholder":true,"num":0}]`) + frame(opBinary, "0123456789")[:9]), lost, lost},
		{"websocket, queue not empty", then(func(g *ground) *wire {
			w := g.webSocket()
			w.text(`42["flood"]`)
			g.flooded()
			return w
		}), lost, lost},
		{"websocket, disconnected by the server", then(func(g *ground) *wire {
			w := g.webSocket()
			w.text(`42["bye"]`)
			w.until("41")
			return w
		}), forced + "|" + lost, byServer},
		{"websocket, close frame of the server not answered", then(func(g *ground) *wire {
			w := g.webSocket()
			w.text(`42["bye"]`)
			w.until("close")
			return w
		}), forced, byServer},
		{"polling, close packet posted", then(func(g *ground) *wire {
			p := g.poller().join()
			p.put(postRequest(p.query, "1"))
			return p.wire
		}), lost + "|" + unheard, lost + "|" + unheard},
		{"polling, close packet answered", then(func(g *ground) *wire {
			p := g.poller().join()
			p.post("1")
			return p.wire
		}), lost, lost},
		{"polling, disconnected by the server", then(func(g *ground) *wire {
			p := g.poller().join()
			p.post(`42["bye"]`)
			p.until("41")
			p.park() // for the close packet
			return p.wire
		}), forced + "|" + failed, byServer},
	}
}
