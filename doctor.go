package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/sockeye-io/sockeye/internal/doctor"
)

var doctorCommand = command{name: "doctor", args: "[--origin URL] [--namespace NAME] URL", help: "try each step of a connection to a server; 1 if one fails", run: func(ctx context.Context, p *process, args []string) error {
	var patient doctor.Patient
	set := flag.NewFlagSet("doctor", flag.ContinueOnError)
	set.SetOutput(io.Discard) // its messages are not ours
	set.StringVar(&patient.Origin, "origin", "", "")
	set.StringVar(&patient.Namespace, "namespace", "", "")
	if err := set.Parse(args); err != nil {
		return usageError{err}
	}
	if set.NArg() != 1 {
		return usage("one address is wanted, such as https://chat.example")
	}
	patient.URL = set.Arg(0)
	var failed error
	well := doctor.Examine(ctx, patient, func(f doctor.Finding) {
		if _, err := fmt.Fprintf(p.out, "%-4s  %-11s  %s\n", f.Is, f.Step, f.Says); err != nil {
			failed = err
		}
		if f.Fix != "" {
			if _, err := fmt.Fprintf(p.out, "                   → %s\n", f.Fix); err != nil {
				failed = err
			}
		}
	})
	switch {
	case failed != nil:
		return failed
	case !well:
		return exitCode(1)
	}
	return nil
}}
