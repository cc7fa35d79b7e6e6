// Package away is imported by odd, and not read with it.
package away

import "github.com/sockeye-io/sockeye/socketio"

// Plugin hears something that is not seen from odd.
type Plugin struct{}

// Attach hears it.
func (Plugin) Attach(ns *socketio.Namespace) error { return nil }
