// Package clip makes what a client has sent fit for logs, errors and answers.
package clip
