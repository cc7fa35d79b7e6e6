// Package namespaces holds what the program's pages talk to: one file per
// namespace, with the events it hears and says and their handlers.
package namespaces
