package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/sockeye-io/sockeye/server"
)

// configCommand takes what the program itself takes, so that it can be put in
// front of a command line that is to be looked at.
var configCommand = command{name: "config", args: "[options]", help: "print the settings in force and where each is from, and stop", run: func(_ context.Context, p *process, args []string) error {
	_, settings, err := server.Load(args, p.getenv, new(strings.Builder))
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return usageError{err}
	}
	others, err := p.known()
	if err != nil {
		return err
	}
	for _, s := range settings {
		if _, err := fmt.Fprintln(p.out, s); err != nil {
			return err
		}
	}
	for _, name := range others {
		if _, err := fmt.Fprintf(p.out, "# %q in the environment is no setting, and nobody reads it\n", name); err != nil {
			return err
		}
	}
	return nil
}}

// known complains about variables of the environment that look like mistyped
// settings: such a one would be in force for nobody. It returns the names of
// others that begin like ours, which may be another program's.
func (p *process) known() (others []string, err error) {
	slips, others := server.Unknown(p.environ())
	if len(slips) > 0 {
		return nil, usage("%s in the environment is no setting: take it away, or see --help for the names", strings.Join(slips, ", "))
	}
	return others, nil
}
