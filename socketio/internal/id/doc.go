// Package id makes the ids of sessions, sockets and logs.
package id
