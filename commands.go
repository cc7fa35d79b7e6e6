package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
)

// command is something the program does besides serving: sockeye NAME …. Each
// has a file of its own here and an entry in commands.
type command struct {
	name, args, help string // help is one line

	// run gets what follows the name. Its errors are one line: a usageError ends
	// the program with 2, flag.ErrHelp prints how the command is used and ends it
	// with 0, an exitCode that with its number without another word, and anything
	// else with 1. It returns soon after ctx has ended, at a signal.
	run func(ctx context.Context, p *process, args []string) error
}

// commands are all of them, in the order of --help.
var commands = []command{
	configCommand,
	doctorCommand,
	emitCommand,
	listenCommand,
	versionCommand,
	hashCommand,
}

func find(name string) *command {
	for i := range commands {
		if commands[i].name == name {
			return &commands[i]
		}
	}
	return nil
}

// usageError says that what was written makes no sense.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// usage makes a usageError.
func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitCode ends the program with that number; what there was to say is said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// exit says what went wrong and returns the program's exit code.
func (p *process) exit(c command, err error) int {
	var code exitCode
	var wrong usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(p.out, "%s\n\nUsage: sockeye %s\n", c.help, strings.TrimSpace(c.name+" "+c.args))
		return 0
	}
	fmt.Fprintln(p.err, strings.TrimSpace("sockeye "+c.name)+":", err)
	if errors.As(err, &wrong) {
		return 2
	}
	return 1
}

// commandsHelp is what --help says about commands.
func commandsHelp() string {
	var b strings.Builder
	b.WriteString("\nCommands, instead of serving (each with --help):\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "  %-24s %s\n", strings.TrimSpace(c.name+" "+c.args), c.help)
	}
	return b.String()
}

// helpOr is flag.ErrHelp if arg asks for help, and a usageError if not.
func helpOr(arg, format string, args ...any) error {
	switch arg {
	case "-h", "-help", "--help":
		return flag.ErrHelp
	}
	return usage(format, args...)
}
