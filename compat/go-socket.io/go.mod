module github.com/googollee/go-socket.io

go 1.26.0

require github.com/sockeye-io/sockeye v0.0.0

replace github.com/sockeye-io/sockeye => ../..
