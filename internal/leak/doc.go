// Package leak fails a test binary whose tests leave goroutines behind.
//
//	func TestMain(m *testing.M) { leak.Main(m) }
//
// Whoever starts a goroutine waits for it: that is a rule of this module, and
// this package is how it is kept.
package leak
