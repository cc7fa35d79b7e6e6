// Package content is what all have in common that answer HTTP requests with
// bytes: which coding a client takes, how bytes are tagged and typed, and files
// that do not change.
package content
