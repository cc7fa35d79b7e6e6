package redis

import "strings"

// slots is how many a Redis Cluster divides its keys and channels among.
const slots = 1 << 14

// crc16 is the table of CRC-16/XMODEM, by which a Cluster places names.
var crc16 = func() (table [256]uint16) {
	for i := range table {
		c := uint16(i) << 8
		for range 8 {
			if c&0x8000 != 0 {
				c = c<<1 ^ 0x1021
			} else {
				c <<= 1
			}
		}
		table[i] = c
	}
	return table
}()

// slotOf is where a Cluster has a channel: by what stands between its first
// braces, if there is something, else by all of it.
func slotOf(channel string) int {
	if open := strings.IndexByte(channel, '{'); open >= 0 {
		if n := strings.IndexByte(channel[open+1:], '}'); n > 0 {
			channel = channel[open+1 : open+1+n]
		}
	}
	var c uint16
	for i := range len(channel) {
		c = c<<8 ^ crc16[byte(c>>8)^channel[i]]
	}
	return int(c) % slots
}
