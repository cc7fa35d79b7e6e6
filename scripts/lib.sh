# Shared by the scripts beside it; to be sourced, not run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

bold='' plain=''
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi

say() { printf '%s== %s%s\n' "$bold" "$*" "$plain"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# need COMMAND WHAT: stop with one line unless COMMAND is there.
need() { command -v "$1" >/dev/null || die "$1 is missing: install $2 and run this again"; }

# need_go: stop with one line unless there is Go, new enough for go.mod or able
# to fetch what is.
need_go() {
  need go "Go 1.26 or later (https://go.dev/dl/)"
  (cd "$root" && go version >/dev/null 2>&1) || die "$(cd / && go version) is too old: install Go 1.26 or later (https://go.dev/dl/) and run this again"
}

# modules: the folders of all Go modules but the one that pins tools.
modules() { (cd "$root" && git ls-files --cached --others --exclude-standard -- go.mod '*/go.mod' | xargs -n1 dirname | grep -vx tools | sort); }

# find_chromium: the browser's path, empty if there is none. CHROMIUM overrides.
find_chromium() {
  local name
  if [ -n "${CHROMIUM:-}" ]; then echo "$CHROMIUM"; return; fi
  for name in chromium chromium-browser google-chrome; do
    type -P "$name" && return
  done
  return 0
}

# has_python_client: Debian's python3-socketio, and what it needs for both transports.
has_python_client() { /usr/bin/python3 -c 'import socketio, requests, websocket' 2>/dev/null; }

# find_postgres: the path of PostgreSQL's server, empty if there is none. Debian keeps it off the path.
find_postgres() {
  local path
  type -P postgres && return
  for path in /usr/lib/postgresql/*/bin/postgres; do
    if [ -x "$path" ]; then echo "$path"; return; fi
  done
  return 0
}

# has_program NAME: also where only root's path leads.
has_program() { PATH=$PATH:/usr/sbin:/usr/local/sbin type -P "$1" >/dev/null; }
