// Package freeport gives tests addresses for servers that listen later, or again.
package freeport
