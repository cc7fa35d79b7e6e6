package nats

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// JetStream says whether the server's JetStream keeps a log.
type JetStream uint8

const (
	// Auto uses it if clients of this node may come back to others, and the server
	// has it when the node starts; a server that cannot be asked then is expected to.
	Auto JetStream = iota
	// On requires it: Start fails if the server says that it has none.
	On
	// Off leaves it alone: there is no log.
	Off
)

const (
	// DefaultMaxAge is how long the log keeps an entry.
	DefaultMaxAge = 10 * time.Minute
	// DefaultMaxBytes is how large the log becomes, and what is kept of clients.
	DefaultMaxBytes = 512 << 20
)

var (
	errNoLog   = errors.New("nats: there is no log")
	errDown    = errors.New("nats: not connected")
	errMissing = errors.New("the server has no JetStream: start it with nats-server -js -sd FOLDER, or write jetstream=off")
	errOld     = errors.New("the server is older than 2.11, so that its JetStream is not used: take a newer one, or write jetstream=off")
)

// probing is how long a node asks at its start whether there is a JetStream.
const probing = 2 * time.Second

// Remember implements [adapter.Rememberer].
func (a *Adapter) Remember() {
	if a.opts.JetStream != Auto {
		return
	}
	if err := a.probe(usable); errors.Is(err, errMissing) || errors.Is(err, errOld) {
		a.log.Info("cluster: clients come back to other nodes only when this one is stopped in order: there is no JetStream", "why", err)
		return
	}
	a.logs = true
}

// probe asks a server for its JetStream. The error is [errMissing] or [errOld] if
// there is none that can be used, another one if that cannot be found out.
func (a *Adapter) probe(ask func(context.Context, *nats.Conn) error) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), probing)
	defer cancel()
	for _, address := range a.opts.Servers {
		if err = a.probeOne(ctx, address, ask); err == nil || errors.Is(err, errMissing) || errors.Is(err, errOld) {
			return err
		}
	}
	return err
}

func (a *Adapter) probeOne(ctx context.Context, address string, ask func(context.Context, *nats.Conn) error) error {
	l := a.newLink(ctx, address)
	defer l.cancel()
	o, err := l.options()
	if err != nil {
		return err
	}
	nc, err := o.Connect()
	if err != nil {
		return fmt.Errorf("nats: %s: %w", address, err)
	}
	defer func() {
		nc.Close()
		<-l.closed
	}()
	if err := ask(ctx, nc); err != nil {
		return fmt.Errorf("nats: %s: %w", address, err)
	}
	return nil
}

// there asks whether other nodes keep a log.
func (a *Adapter) there(ctx context.Context, nc *nats.Conn) error {
	js, err := jetstream.New(nc)
	if err == nil {
		_, err = js.Stream(ctx, a.subjects.logStream)
	}
	return err
}

// usable asks whether the server has a JetStream that can do what the log needs.
func usable(ctx context.Context, nc *nats.Conn) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	switch _, err := js.AccountInfo(ctx); {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount), errors.Is(err, nats.ErrNoResponders):
		return errMissing
	case err != nil:
		return err
	}
	var major, minor int
	if _, err := fmt.Sscanf(nc.ConnectedServerVersion(), "%d.%d", &major, &minor); err == nil && (major < 2 || major == 2 && minor < 11) {
		return errOld
	}
	return nil
}

// streamName is the name of a stream of this prefix: what a stream's must not
// have is written as _XX.
func streamName(prefix, what string) string {
	const digits = "0123456789ABCDEF"
	var b []byte
	for i := range len(prefix) {
		switch c := prefix[i]; {
		case c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z':
			b = append(b, c)
		case c == '.':
			b = append(b, '-')
		default:
			b = append(b, '_', digits[c>>4], digits[c&15])
		}
	}
	if len(b) > longest {
		sum := sha256.Sum256([]byte(prefix))
		b = hex.AppendEncode(b[:0], sum[:])
	}
	return string(b) + "-" + what
}

// logConfig is how the stream of the log is made.
func (a *Adapter) logConfig() jetstream.StreamConfig {
	s := a.subjects
	return jetstream.StreamConfig{
		Name: s.logStream, Description: "Socket.IO: what clients may have missed", Subjects: []string{s.log + "*"},
		MaxAge: a.opts.MaxAge, MaxBytes: a.opts.MaxBytes, Discard: jetstream.DiscardOld,
		Storage: a.storage(), Replicas: a.opts.Replicas, AllowDirect: true,
		RePublish: &jetstream.RePublish{Source: s.log + "*", Destination: s.told + "{{wildcard(1)}}"},
	}
}

// keysConfig is how the stream is made that keeps one message of each subject.
func (a *Adapter) keysConfig() jetstream.StreamConfig {
	s := a.subjects
	return jetstream.StreamConfig{
		Name: s.keyStream, Description: "Socket.IO: clients, and claims", Subjects: []string{s.session + "*", s.claim + "*"},
		MaxMsgsPerSubject: 1, AllowMsgTTL: true, MaxBytes: a.opts.MaxBytes, Discard: jetstream.DiscardNew,
		Storage: a.storage(), Replicas: a.opts.Replicas,
	}
}

func (a *Adapter) storage() jetstream.StorageType {
	if a.opts.Memory {
		return jetstream.MemoryStorage
	}
	return jetstream.FileStorage
}

// stream finds a stream, or makes it. One that is there is used as it is.
func (a *Adapter) stream(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) (*jetstream.StreamInfo, error) {
	s, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = js.CreateStream(ctx, want)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another node was quicker
			s, err = js.Stream(ctx, want.Name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", want.Name, err)
	}
	info := s.CachedInfo()
	if got := &info.Config; got.Storage != want.Storage || got.Replicas != want.Replicas || got.MaxAge != want.MaxAge || got.MaxBytes != want.MaxBytes {
		a.log.Info("cluster: a stream of JetStream was made with other options, and stays as it is", "stream", want.Name,
			"storage", got.Storage.String(), "replicas", got.Replicas, "maxage", got.MaxAge, "maxbytes", got.MaxBytes)
	}
	return info, nil
}

// logIDOf tells the log from all others that there may have been under its name.
func logIDOf(info *jetstream.StreamInfo) uint32 {
	sum := sha256.Sum256([]byte(info.Config.Name + info.Created.Format(time.RFC3339Nano)))
	return binary.BigEndian.Uint32(sum[:]) | 1
}
