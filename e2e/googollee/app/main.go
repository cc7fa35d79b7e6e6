// Command app is a Gin application as people write them for go-socket.io: a
// notice board on the root namespace, a chat on /chat, and some rooms. It is
// compiled twice, against the original and against Sockeye, from the same
// handlers; the tests beside it run the same clients against both.
//
// PORT says where to listen; 0 picks a free one.
package main

import (
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/googollee/go-socket.io/engineio"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	seen := new(journal)
	server := newServer(&engineio.Options{
		PingInterval: 5 * time.Second,
		PingTimeout:  20 * time.Second,
		RequestChecker: func(r *http.Request) (http.Header, error) {
			if r.Header.Get("X-Token") == "wrong" {
				return nil, errors.New("wrong token")
			}
			return http.Header{"X-Board": {"open"}}, nil
		},
		ConnInitor: func(r *http.Request, c engineio.Conn) {
			c.SetContext("from " + r.URL.Query().Get("desk"))
		},
	})
	board(server, seen)
	chat(server, seen)
	lounge(server, seen)
	go func() {
		if err := server.Serve(); err != nil {
			log.Printf("serve: %v", err)
		}
	}()
	defer server.Close()

	router := gin.New()
	router.GET("/socket.io/*any", gin.WrapH(server))
	router.POST("/socket.io/*any", gin.WrapH(server))
	router.GET("/journal", func(c *gin.Context) { c.JSON(http.StatusOK, seen.lines()) })
	router.GET("/count", func(c *gin.Context) { c.JSON(http.StatusOK, server.Count()) })

	ln, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on port %d\n", ln.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(ln, router))
}

// journal is what handlers saw that clients cannot see.
type journal struct {
	mu   sync.Mutex
	list []string
}

func (j *journal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.list = append(j.list, fmt.Sprintf(format, args...))
}

func (j *journal) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string{}, j.list...)
}
