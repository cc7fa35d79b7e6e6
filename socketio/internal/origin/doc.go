// Package origin tells one's own pages from foreign ones, by what their browsers
// say of them.
package origin
