package value

import (
	"math"
	"strconv"
)

// AppendNumber appends f as JSON.stringify prints it: the shortest digits that
// give f back, with an exponent from 1e21 on and below 1e-6; -0 is 0; NaN and
// the infinities are null.
func AppendNumber(dst []byte, f float64) []byte { return appendFloat(dst, f, 64) }

func appendFloat(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	if f == 0 {
		return append(dst, '0')
	}
	if bits == 64 && f > -1e15 && f < 1e15 && f == math.Trunc(f) {
		return strconv.AppendInt(dst, int64(f), 10)
	}
	format := byte('f')
	if abs := math.Abs(f); bits == 64 && (abs < 1e-6 || abs >= 1e21) || bits == 32 && (float32(abs) < 1e-6 || float32(abs) >= 1e21) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, bits)
	if n := len(dst); format == 'e' && n >= 4 && dst[n-4] == 'e' && dst[n-2] == '0' { // e-09 → e-9
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// pow10 are the powers of ten that a float64 holds exactly.
var pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
	1e21, 1e22}

// float reads a JSON number that a Scanner accepted. The short cut is exact: a
// mantissa below 2^53 and a power of ten up to 22 are both exact, so that one
// operation rounds once.
func float(num []byte) (float64, error) {
	i, neg := 0, false
	if num[0] == '-' {
		i, neg = 1, true
	}
	var mant uint64
	digits, scale := 0, 0
	for ; i < len(num) && num[i]-'0' <= 9; i++ {
		mant = mant*10 + uint64(num[i]-'0')
		digits++
	}
	if i < len(num) && num[i] == '.' {
		for i++; i < len(num) && num[i]-'0' <= 9; i++ {
			mant = mant*10 + uint64(num[i]-'0')
			digits++
			scale++
		}
	}
	if i < len(num) || digits > 19 || mant >= 1<<53 || scale > 22 {
		return strconv.ParseFloat(borrow(num), 64)
	}
	f := float64(mant)
	if scale > 0 {
		f /= pow10[scale]
	}
	if neg {
		f = -f
	}
	return f, nil
}
