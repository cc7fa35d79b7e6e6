package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sockeye-io/sockeye/internal/gate"
)

// hashCommand makes what --admin wants behind the user's name.
var hashCommand = command{name: "hash", args: "< FILE", help: "read a password from standard input, print its bcrypt hash (for --admin)", run: func(_ context.Context, p *process, args []string) error {
	if len(args) > 0 {
		return helpOr(args[0], "takes nothing but a password on standard input: the command line is for everybody to read")
	}
	line, err := bufio.NewReader(io.LimitReader(p.in, 1<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	hash, err := gate.Hash(strings.TrimRight(line, "\r\n"))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.out, hash)
	return err
}}
