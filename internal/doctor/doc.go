// Package doctor takes a connection to a Socket.IO server apart into its steps
// and tries each by hand, so that a failure has a place: what the page of that
// name does in a browser, and what only an operator may ask.
package doctor
