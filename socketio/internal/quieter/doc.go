// Package quieter keeps clients from filling the log.
package quieter
