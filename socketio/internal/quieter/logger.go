package quieter

import (
	"context"
	"log/slog"
	"net/netip"
)

// Logger returns a logger that writes to log, nil meaning slog.Default(), and
// that nobody can fill: lines above the level of debugging are limited as Lines
// says. A line's kind is its message, with those of its attributes that are the
// server's own words (see own); whom it is about is its attribute "client" or
// "remote". The next line of a kind tells in "skipped" how many were left out.
//
// So every line is limited, without each call having to think of it. A logger
// that is limited already is returned as it is.
func Logger(log *slog.Logger) *slog.Logger {
	if log == nil {
		log = slog.Default()
	}
	if _, limited := log.Handler().(*handler); limited {
		return log
	}
	return slog.New(&handler{log.Handler(), new(Lines)})
}

// own are the attributes whose values are few, and words of the server's.
var own = map[string]bool{"option": true, "code": true, "cause": true, "where": true, "function": true, "at": true}

type handler struct {
	next  slog.Handler
	lines *Lines
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelInfo {
		return h.next.Handle(ctx, r)
	}
	kind, client := r.Message, ""
	r.Attrs(func(a slog.Attr) bool {
		if k := a.Value.Kind(); own[a.Key] && (k == slog.KindString || k == slog.KindInt64) {
			kind += "\x00" + a.Value.String()
		} else if a.Key == "client" || a.Key == "remote" {
			client = network(a.Value.String())
		}
		return true
	})
	skipped, ok := h.lines.allowFrom(kind, client)
	if !ok {
		return nil
	}
	if skipped > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("skipped", skipped))
	}
	return h.next.Handle(ctx, r)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.next.WithAttrs(attrs), h.lines}
}

func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.next.WithGroup(name), h.lines}
}

// network is what counts as one client: an address without its port, of IPv6
// the first 64 bits.
func network(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		withPort, err := netip.ParseAddrPort(addr)
		if err != nil {
			return addr
		}
		ip = withPort.Addr()
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}
