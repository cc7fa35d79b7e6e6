// Package assets is what pages share that are served elsewhere than at the root
// of the program.
package assets
