// Command vulncheck runs govulncheck over modules: vulncheck FOLDER...
//
// A finding fails it, and so does whatever else goes wrong, with one exception:
// a database that cannot be reached says nothing about the code. Then there is
// one line of warning, and the exit status is 0. GOVULNDB names another database.
package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

const publicDatabase = "https://vuln.go.dev"

func main() {
	os.Exit(run(cmp.Or(os.Getenv("GOVULNCHECK"), "govulncheck"), cmp.Or(os.Getenv("GOVULNDB"), publicDatabase), os.Args[1:], os.Stderr))
}

// run checks the modules in dirs with the govulncheck at tool, and returns the
// exit status.
func run(tool, database string, dirs []string, out io.Writer) int {
	if len(dirs) == 0 {
		fmt.Fprintln(out, "vulncheck: no folder of a module is given")
		return 2
	}
	warn := func(err error) int {
		fmt.Fprintln(out, "vulncheck: warning: nothing was checked, as the database of vulnerabilities cannot be reached:", oneLine(err.Error()))
		return 0
	}
	if err := reach(database); err != nil {
		return warn(err)
	}
	failed := 0
	for _, dir := range dirs {
		said, err := check(tool, database, dir)
		var lost unreachableError
		switch {
		case errors.As(err, &lost):
			// It was there a moment ago. What was found until then counts.
			return max(failed, warn(lost))
		case err != nil:
			fmt.Fprintf(out, "vulncheck: %s: %v\n%s", dir, err, said)
			failed = 1
		}
	}
	return failed
}

// unreachableError is that of a database which did not answer.
type unreachableError struct{ error }

// check runs the tool over all packages of a module. It returns what the tool
// has said.
func check(tool, database, dir string) (said []byte, err error) {
	cmd := exec.Command(tool, "-db", database, "./...")
	cmd.Dir = dir
	said, err = cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case !errors.As(err, &exit):
		return said, err
	case exit.ExitCode() == 3: // as govulncheck documents it
		return said, errors.New("known vulnerabilities")
	case bytes.Contains(said, []byte("fetching vulnerabilities: Get \"")): // net/http has had no answer
		return nil, unreachableError{errors.New(string(said))}
	}
	return said, fmt.Errorf("govulncheck failed: %w", err)
}

// reach reports why a database on the network does not answer. govulncheck
// itself takes another one than the public that does not answer for one of a
// format that it does not know. An answer that is wrong is for it to judge.
func reach(database string) error {
	if !strings.HasPrefix(database, "http://") && !strings.HasPrefix(database, "https://") {
		return nil
	}
	client := http.Client{Timeout: 20 * time.Second}
	res, err := client.Head(strings.TrimRight(database, "/") + "/index/modules.json.gz")
	if err != nil {
		return err
	}
	_ = res.Body.Close() // of a HEAD
	if res.StatusCode >= 500 {
		return fmt.Errorf("%s answers %s", database, res.Status)
	}
	return nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
