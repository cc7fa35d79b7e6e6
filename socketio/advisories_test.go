package socketio_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// refusedPackets sends each packet on a connection of its own, which is to end
// for it while everybody else's goes on, and logs how many there were.
func refusedPackets(t *testing.T, class string, packets ...string) {
	t.Helper()
	tried := 0
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := echoServer(quiet())
		handled := 0
		io.OnAny(func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
			if r.Event() != "echo" {
				handled++
			}
			return nil
		})
		srv := socketiotest.Serve(t, io)
		bystander := srv.Connect(o)
		for _, packet := range packets {
			tried++
			c := srv.Connect(o)
			_ = c.SendRaw(packet) // over polling the end may come before the answer
			c.Disconnected()
			alive(t, bystander)
		}
		synctest.Wait()
		if st := io.Stats(); st.Malformed != uint64(len(packets)) || st.Sockets != 1 || st.Panics != 0 || handled != 0 {
			t.Errorf("%d of %d packets malformed, %d sockets, %d panics, %d handled", st.Malformed, len(packets), st.Sockets, st.Panics, handled)
		}
	})
	t.Logf("hostile inputs: %s: %d", class, tried)
}

// CVE-2022-2421: the number in a placeholder.
func TestCVE20222421PlaceholderNum(t *testing.T) {
	var packets []string
	for _, num := range []string{
		"-1", "0.5", "1", "1e99", "9007199254740993", "99999999999999999999", `"0"`, `"__proto__"`, `"constructor"`, "null", "true", "[0]", "{}", `{"valueOf":0}`, "NaN",
	} {
		packets = append(packets, fmt.Sprintf(`51-["echo",{"_placeholder":true,"num":%s}]`, num))
	}
	refusedPackets(t, "placeholders", append(packets, `51-["echo",{"_placeholder":true}]`, `52-["echo",{"_placeholder":true,"num":1},{"_placeholder":true,"num":1}]`)...)
}

// CVE-2023-32695: the type of an event's name, and names that mean something.
func TestCVE202332695EventNames(t *testing.T) {
	refusedPackets(t, "event names",
		`2[{"toString":1}]`, `2[{"toString":"x"},1]`, `2[]`, `2[null]`, `2[true]`, `2[["echo"]]`, `2{}`, `2"echo"`, `2`, `21`, `21[]`,
		`2["connect"]`, `2["connect_error"]`, `2["disconnect"]`, `2["disconnecting"]`, `2["newListener"]`, `2["removeListener"]`, `2["\u0063onnect"]`,
		`51-[{"_placeholder":true,"num":0}]`, `2["`+strings.Repeat("x", 1025)+`"]`)
}

// CVE-2026-33151 and go-socket.io 1.7: how many attachments a packet announces.
func TestCVE202633151UnboundedAttachments(t *testing.T) {
	refusedPackets(t, "attachments",
		`511-["echo"]`, `5999-["echo"]`, `5999999999-["echo"]`, `59999999999999999-["echo"]`, `5599999999999999999999999-["echo"]`, `5-1-["echo"]`, `5-["echo"]`, `51.5-["echo"]`,
		`51e3-["echo"]`, `5 1-["echo"]`, `51["echo"]`, `6999-1["echo"]`, `6-1-[]`, `51-`, `51`)
}

// CVE-2026-69185: a packet that announces no attachments leaves nothing armed.
func TestCVE202669185ZeroAttachments(t *testing.T) {
	refusedPackets(t, "zero attachments", `50-["echo"]`, `60-1["echo"]`, `500-["echo"]`, `50-`, `50-["echo",{"_placeholder":true,"num":0}]`)
}

// Deep JSON, and other text that is made to be expensive to read.
func TestDeepJSON(t *testing.T) {
	const n = 900_000 // below MaxPayload
	refusedPackets(t, "deep and costly JSON",
		`2["echo",`+strings.Repeat("[", 1000)+strings.Repeat("]", 1000)+`]`, `2["echo",`+strings.Repeat(`{"a":`, 1000)+"1"+strings.Repeat("}", 1000)+`]`,
		`2["echo",`+strings.Repeat("[", n/2)+strings.Repeat("]", n/2)+`]`, `2["echo"`+strings.Repeat(",1", 1<<16)+`]`, `2["echo",`+strings.Repeat("[", n), `2["echo",`+strings.Repeat(`{"":`, n/4), `2["echo",`+strings.Repeat(`[{"a":`, n/6), `0`+strings.Repeat("[", n),
		`0{"a":`+strings.Repeat("[", n), `31`+strings.Repeat("[", n), `2["echo"`+strings.Repeat(",1", n/2)+`]`, `2["echo",`+strings.Repeat("9", n)+`x]`,
		`2`+strings.Repeat("1", n), `2`+strings.Repeat(" ", n), `2["`+strings.Repeat("x", n)+`"]`, `0/`+strings.Repeat("n", n), `2["echo",1,2`, `2["echo"]]`, `2["echo"] x`,
		`2["echo","\u12"]`, `2["echo",tru]`, `2["echo",01]`, `2["echo",1.]`, `2["echo",+1]`, `2["echo",'a']`, `2["echo",]`, `2["echo",{"a"}]`, `2["echo",{a:1}]`)
}

// Ack flood: answers that nobody waits for cost nothing and are counted.
func TestAckFlood(t *testing.T) {
	const n = 10_000
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := echoServer(quiet())
		srv := socketiotest.Serve(t, io)
		bystander := srv.Connect(o)
		c := srv.Connect(o)
		for i := range n {
			if err := c.SendRaw(fmt.Sprintf(`3%d["x"]`, i)); err != nil {
				t.Fatal(err)
			}
		}
		alive(t, c)
		alive(t, bystander)
		if got := io.Stats().Ignored["unknown acknowledgement"]; got != n {
			t.Errorf("%d answers were ignored", got)
		}
		for _, id := range []string{"9007199254740992", "18446744073709551616", strings.Repeat("9", 400), strings.Repeat("0", 400) + "1", "-1", "1.5"} {
			d := srv.Connect(o)
			_ = d.SendRaw("3" + id + "[]")
			d.Disconnected()
		}
	})
	t.Logf("hostile inputs: acknowledgements: %d", 2*(n+6))
}

// Room explosion: a socket is in so many rooms, and empty ones are gone.
func TestRoomExplosion(t *testing.T) {
	const n = 2500
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := echoServer(quiet())
		refused := 0
		io.On("join", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
			err := s.Join(r.Arg(0).String())
			if errors.Is(err, socketio.ErrTooManyRooms) {
				refused++
			}
			return err
		})
		srv := socketiotest.Serve(t, io)
		bystander := srv.Connect(o)
		c := srv.Connect(o)
		for i := range n {
			if err := c.Emit("join", fmt.Sprint("room", i)); err != nil {
				t.Fatal(err)
			}
		}
		alive(t, c)
		alive(t, bystander)
		rooms := func() (count int) {
			for range io.Of("/").Rooms() {
				count++
			}
			return count
		}
		if got := rooms(); got != 1000 || refused != n-1000 {
			t.Errorf("%d rooms, %d joins refused", got, refused)
		}
		if got := io.Stats().Bounds["MaxRooms"]; got != n-1000 {
			t.Errorf("the bound is counted %d times", got)
		}
		c.Close()
		synctest.Wait()
		if got := rooms(); got != 0 {
			t.Errorf("%d rooms when nobody is in one", got)
		}
	})
	t.Logf("hostile inputs: rooms: %d", 2*n)
}

// Session id guessing and hijack: what lets somebody act as a client is in no
// log, whatever happens to it.
func TestSecretsStayOutOfLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		opts := &socketio.Options{
			Logger:   slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Recovery: &socketio.Recovery{},
		}
		io := echoServer(opts)
		var sids []string
		io.OnConnect(func(_ context.Context, s *socketio.Socket) { sids = append(sids, s.ID()) })
		io.On("fail", func(context.Context, *socketio.Socket, *socketio.Request) error { return errors.New("no") })
		io.On("panic", func(context.Context, *socketio.Socket, *socketio.Request) error { panic("no") })
		srv := socketiotest.Serve(t, io)
		guess := base64.RawURLEncoding.EncodeToString([]byte("a guess of some length"))
		for _, auth := range []map[string]any{{"token": "s3cr3t-token"}, {"token": "s3cr3t-token", "pid": guess, "offset": "x"}} {
			c := srv.Connect(&socketiotest.Options{Auth: auth})
			for _, event := range []string{"fail", "panic", "unknown"} {
				if err := c.Emit(event, "s3cr3t-payload"); err != nil {
					t.Fatal(err)
				}
			}
			alive(t, c)
			c.Cut()
			synctest.Wait()
			c = c.Reconnect()
			_ = c.SendRaw(`2["`)
			c.Disconnected()
		}
		if _, err := srv.Dial(&socketiotest.Options{Namespace: "/none", Auth: map[string]any{"token": "s3cr3t-token"}}); err == nil {
			t.Error("a namespace that is not there let a client in")
		}
		synctest.Wait()
		said := log.String()
		for _, secret := range append(sids, "s3cr3t", guess, fmt.Sprintf("%x", sha256.Sum256([]byte(guess)))) {
			if strings.Contains(said, secret) {
				t.Errorf("%q is in the log", secret)
			}
		}
		if len(sids) < 2 || !strings.Contains(said, "not recovered") || !strings.Contains(said, "malformed") {
			t.Errorf("%d sockets; log: %s", len(sids), said)
		}
	})
}
