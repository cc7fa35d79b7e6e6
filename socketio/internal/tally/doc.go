// Package tally counts by reasons of which there is a closed list.
package tally
