package ws

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func BenchmarkReader(b *testing.B) {
	for _, size := range []int{64, 1024, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			whole := frame(fin|text, strings.Repeat("x", size))
			in := bytes.Clone(whole)
			chunks := make([][]byte, 1)
			src := &script{block: true}
			var r Reader
			count := &counter{}
			lim := &Limits{}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				copy(in, whole) // it is unmasked where it is read to, not here
				chunks[0] = in
				src.chunks = chunks
				for err := error(nil); err == nil; {
					err = r.Read(src, lim, count)
				}
			}
		})
	}
}

func BenchmarkMask(b *testing.B) {
	buf := make([]byte, 1024)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		mask(buf, key)
	}
}

func BenchmarkFrameInPlace(b *testing.B) {
	buf := make([]byte, HeaderRoom+128)
	for b.Loop() {
		FrameInPlace(buf, Text)
	}
}

func BenchmarkDeflate(b *testing.B) {
	d := newDeflater(b, 0)
	msg := []byte(strings.Repeat(`{"user":"someone","text":"what they say"},`, 50))
	b.SetBytes(int64(len(msg)))
	var dst []byte
	b.Run("compress", func(b *testing.B) {
		for b.Loop() {
			dst = d.AppendFrame(dst[:0], Text, msg)
		}
	})
	b.Run("inflate", func(b *testing.B) {
		packed := bytes.Clone(d.compress(msg).dst)
		for b.Loop() {
			out, err := inflate(packed, 1<<20)
			if err != nil {
				b.Fatal(err)
			}
			putBuffer(out.buf)
		}
	})
}
