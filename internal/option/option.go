package option

import (
	"math"
	"time"
)

// Default gives a field that is zero its default. A negative one stays so: who
// obeys it knows that it means none.
func Default[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Bound is Default for a number that things are compared with: none is more than
// any.
func Bound(field *int, value int) {
	if Default(field, value); *field < 0 {
		*field = math.MaxInt
	}
}

// Positive is Default for what cannot be none: a negative one gets it too.
func Positive[T int | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}
