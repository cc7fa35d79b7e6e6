// Package content is what all have in common that answer HTTP requests with
// bytes: which coding a client takes, and how bytes are tagged.
package content
