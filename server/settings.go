package server

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Setting is the effective value of one option.
type Setting struct {
	Name, Value string // as in the file; what is secret in it is left out
	Source      string // such as "command line", "environment PORT", "sockeye.toml" or "default"
}

// String is the setting as a line of the file, with its source.
func (s Setting) String() string {
	if s.Value == "" {
		return fmt.Sprintf("# %s  (%s)", s.Name, s.Source)
	}
	return fmt.Sprintf("%s = %s  # %s", s.Name, strconv.Quote(s.Value), s.Source)
}

// defaults are those that are not empty, as one would write them.
var defaults = map[string]string{
	"port": "3000", "root-ws": rootPrograms[0], "grace": "10s", "log": "info", "cluster-required": "off", "allow-eio3": "off", "admin-readonly": "off",
}

// configEnv names the file if --config does not.
const configEnv = "SOCKEYE_CONFIG"

// Load reads the file that --config or SOCKEYE_CONFIG names, then the
// environment, then args (without the program's name): what comes later wins. It
// returns the configuration and where each setting of it comes from, in the
// order of --help. Errors are as those of Parse.
func Load(args []string, getenv func(string) string, help io.Writer) (Config, []Setting, error) {
	c := DefaultConfig()
	given, file, err := flags(&c, args, help)
	if err != nil {
		return c, nil, err
	}
	if file == "" {
		file = getenv(configEnv)
	}
	inFile, err := readFile(file)
	if err != nil {
		return c, nil, err
	}
	var all []Setting
	for _, o := range options() {
		s := Setting{Name: o.name, Value: defaults[o.name], Source: "default"}
		for _, from := range []struct{ source, text, complaint string }{
			{file, inFile[o.name], file + ": " + o.name},
			{"environment " + o.env, getenv(o.env), o.env},
			{"command line", given[o.name], "--" + o.name},
		} {
			if from.text == "" && (from.source != "command line" || !has(given, o.name)) {
				continue
			}
			if err := o.set(&c, from.text); err != nil {
				return c, nil, fmt.Errorf("%s: %w", from.complaint, err)
			}
			s.Value, s.Source = hide(from.text), from.source
		}
		all = append(all, s)
	}
	return c, all, c.check()
}

func has(m map[string]string, name string) bool {
	_, ok := m[name]
	return ok
}

// flags reads the command line: the text of each option that is there, and the
// name of the file.
func flags(c *Config, args []string, help io.Writer) (given map[string]string, file string, err error) {
	given = map[string]string{}
	set := flag.NewFlagSet("sockeye", flag.ContinueOnError)
	set.SetOutput(io.Discard) // its messages are not ours
	for _, o := range options() {
		take := set.Func
		if o.value == "" {
			take = set.BoolFunc
		}
		take(o.name, o.help, func(text string) error {
			given[o.name] = text
			scratch := DefaultConfig() // flag's own message tells what is wrong, and where
			return o.set(&scratch, text)
		})
	}
	set.StringVar(&file, "config", "", "")
	set.BoolVar(&c.Version, "version", false, "")
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		if _, err := io.WriteString(help, Help()); err != nil {
			return nil, "", err
		}
		return nil, "", flag.ErrHelp
	} else if err != nil {
		return nil, "", fmt.Errorf("%w (--help lists the options)", err)
	}
	if set.NArg() > 0 {
		return nil, "", fmt.Errorf("%q is neither an option nor a command (--help lists them)", set.Arg(0))
	}
	return given, file, nil
}

// readFile reads a file of settings: TOML, each named like its option.
func readFile(name string) (map[string]string, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	var values map[string]any
	if err := toml.Unmarshal(text, &values); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			line, _ := at.Position()
			return nil, fmt.Errorf("%s: line %d is no TOML: write lines such as port = 3000", name, line)
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	all := map[string]string{}
	for key, value := range values {
		if !slices.ContainsFunc(options(), func(o option) bool { return o.name == key }) {
			return nil, fmt.Errorf("%s: %q is not a setting; they are named like the options that --help lists", name, key)
		}
		if all[key], err = asText(value); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", name, key, err)
		}
	}
	return all, nil
}

// asText is a value of the file as one would write it on the command line.
func asText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case bool:
		if v {
			return "on", nil
		}
		return "off", nil
	case []any:
		var parts []string
		for _, part := range v {
			text, ok := part.(string)
			if !ok || strings.Contains(text, ",") {
				return "", errors.New("a list is one of texts without commas")
			}
			parts = append(parts, text)
		}
		return strings.Join(parts, ","), nil
	}
	return "", errors.New("a value is a text, a whole number, true, false or a list of texts")
}

var (
	password = regexp.MustCompile(`(://[^/@\s:]*):[^/@\s]*@`)
	bcrypt   = regexp.MustCompile(`\$2[aby]\$\S+`)
)

// hide leaves out passwords in addresses, and hashes of passwords.
func hide(text string) string {
	return bcrypt.ReplaceAllString(password.ReplaceAllString(text, "$1:hidden@"), "hidden")
}

// Unknown lists the variables of an environment that are named like settings and
// are none: those that look mistyped, one letter away from a setting or two
// letters the wrong way round, and others, which may be somebody else's. What
// Kubernetes makes for a service sockeye is in neither.
func Unknown(environ []string) (slips, others []string) {
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		known := name == configEnv || slices.ContainsFunc(options(), func(o option) bool { return o.env == name })
		if !strings.HasPrefix(name, "SOCKEYE_") || known || ofService.MatchString(name) {
			continue
		}
		if slices.ContainsFunc(options(), func(o option) bool { return o.env != "" && mistyped(name, o.env) }) {
			slips = append(slips, name)
		} else {
			others = append(others, name)
		}
	}
	return slips, others
}

// mistyped reports whether one slip of the finger makes a of b.
func mistyped(a, b string) bool {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	a, b = a[i:], b[i:]
	switch len(a) - len(b) {
	case 1:
		return a[1:] == b
	case -1:
		return a == b[1:]
	case 0:
		return len(a) > 0 && (a[1:] == b[1:] || len(a) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:])
	}
	return false
}

var ofService = regexp.MustCompile(`^SOCKEYE_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)$`)
