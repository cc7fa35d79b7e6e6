package assets

import "embed"

// Files are the style, the words and the small helpers of every page.
//
//go:embed style.css dom.js words.js first.js json.js log.js near.js wire.js fish.svg
var Files embed.FS
