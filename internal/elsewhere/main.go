// Command elsewhere checks the packages of a module as they are built for other
// systems, tests too: elsewhere GOOS/GOARCH...
//
// It reads everything from source, the dependencies without what is in their
// functions, so a target takes seconds where compiling all it needs takes
// minutes. What the compiler would refuse is found by types alone: a name that
// is not there, a constant that overflows an int of 32 bits, an import that
// nobody uses. Then go vet's checks look at it, but for those that have to know
// the dependencies' functions (printf, lostcancel and the like): these see the
// same files when go vet runs for this system, except the few of other systems.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/analysis/suite/vet"
	"golang.org/x/tools/go/packages"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "elsewhere: no target is given, such as windows/amd64")
		os.Exit(2)
	}
	debug.SetGCPercent(400) // it ends before its memory matters
	failed := false
	for _, target := range os.Args[1:] {
		found, err := check(".", target, os.Stderr)
		if err != nil {
			fmt.Fprintf(os.Stderr, "elsewhere: %s: %v\n", target, err)
		}
		failed = failed || found > 0 || err != nil
	}
	if failed {
		os.Exit(1)
	}
}

// check looks at all packages of the module in dir as target has them, writes
// what it finds to out, and returns how much that is.
func check(dir, target string, out io.Writer) (int, error) {
	system, arch, ok := strings.Cut(target, "/")
	if !ok {
		return 0, fmt.Errorf("a target is GOOS/GOARCH")
	}
	all, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedDeps |
			packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedTypesSizes | packages.NeedModule,
		Dir:   dir,
		Env:   append(os.Environ(), "GOOS="+system, "GOARCH="+arch, "CGO_ENABLED=0"),
		Tests: true,
	}, "./...")
	if err != nil {
		return 0, err
	}
	if len(all) == 0 {
		return 0, fmt.Errorf("there are no packages in %s", dir)
	}
	// A package is there again for its tests, with the same faults.
	told := map[string]bool{}
	tell := func(position, fault string) {
		line := fmt.Sprintf("%s: %s: %s\n", target, position, fault)
		if !told[line] {
			told[line] = true
			io.WriteString(out, line)
		}
	}
	packages.Visit(all, nil, func(p *packages.Package) {
		for _, fault := range p.Errors {
			tell(fault.Pos, fault.Msg)
		}
	})
	if len(told) > 0 {
		return len(told), nil // the checks would stumble over the same
	}
	graph, err := checker.Analyze(alone(vet.Suite), all, nil)
	if err != nil {
		return 0, err
	}
	for action := range graph.All() {
		if !action.IsRoot {
			continue
		}
		if action.Err != nil {
			return len(told), fmt.Errorf("%s: %w", action, action.Err)
		}
		for _, fault := range action.Diagnostics {
			tell(action.Package.Fset.Position(fault.Pos).String(), fault.Message)
		}
	}
	return len(told), nil
}

// alone returns those of the checks that need to know nothing of the packages
// which a package imports but their types.
func alone(checks []*analysis.Analyzer) []*analysis.Analyzer {
	var needs func(*analysis.Analyzer) bool
	needs = func(a *analysis.Analyzer) bool { return len(a.FactTypes) > 0 || slices.ContainsFunc(a.Requires, needs) }
	return slices.DeleteFunc(slices.Clone(checks), needs)
}
