// Package host reaches through the http.ResponseWriter of an application to
// the connection behind it. Writers are wrapped by middleware of all kinds:
// some have no Unwrap, some cannot flush or be taken over, and some panic when
// they are asked to. Here that is an error.
package host
