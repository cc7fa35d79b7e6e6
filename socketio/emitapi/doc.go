// Package emitapi lets programs that are no clients emit over HTTP: cron jobs,
// shell scripts, services in other languages.
//
//	api, err := emitapi.New(srv, emitapi.Options{Tokens: []string{os.Getenv("API_TOKEN")}})
//	…
//	router.Any("/api/*rest", gin.WrapH(api)) // in a Gin application; or
//	http.Handle("/api/", api)
//
// There are three calls, each a POST with a JSON object and the header
// Authorization: Bearer TOKEN.
//
//	POST /api/emit       {"namespace":"/chat","rooms":["lobby"],"except":["muted"],"event":"news","arguments":["hello",{"n":1}]}
//	POST /api/fetch      {"rooms":["lobby"],"limit":100,"data":true}
//	POST /api/disconnect {"rooms":["user:7"],"close":true}
//
// In a cluster they are for the sockets of all nodes, and the answer says how
// many of them were reached, on how many nodes. A binary value is written
// {"$binary":"BASE64"}, wherever among the arguments. GET /api/openapi.json is the
// description for machines; it needs no token.
//
// What is wrong with a request is answered with a status of 4xx and
// {"error":{"code","message"}}, whose message says what to write.
//
// With the header Idempotency-Key a call that is sent again, since its answer
// was lost, is not carried out again but answered as it was, for
// Options.KeyTTL. Each node remembers its own: send it again to the same.
//
// No token, argument or datum is ever logged.
package emitapi
