// Package server is the program: a Gin application that serves pages, the
// Socket.IO namespaces behind them, and what operators look at.
package server
