'use strict';
// The reference server, for the load generator. PORT: where to listen.
// WS_NO_BUFFER_UTIL=1 keeps the ws library from using bufferutil.
// EIO3=1 also accepts Engine.IO 3 clients.
// TLS_CERT and TLS_KEY, two file names, make it an https server.
// CLUSTER=redis://…, redis+streams://… or redis+sharded://… joins others, with
// CLUSTER_PREFIX.
const fs = require('node:fs');
const { Server } = require('socket.io');

const tls = process.env.TLS_CERT && {
  cert: fs.readFileSync(process.env.TLS_CERT),
  key: fs.readFileSync(process.env.TLS_KEY),
};
const { createServer } = require(tls ? 'node:https' : 'node:http');

const http = createServer(tls || {}, (req, res) => {
  if (req.url.startsWith('/debug/mem')) {
    res.setHeader('content-type', 'application/json');
    if (global.gc && req.url.includes('gc=1')) global.gc();
    res.end(JSON.stringify(process.memoryUsage()));
    return;
  }
  res.statusCode = 404;
  res.end();
});

const io = new Server(http, { allowEIO3: process.env.EIO3 === '1' });

/** Joins the cluster that CLUSTER names. */
async function join(url, prefix = 'socket.io') {
  const { createClient } = require('redis');
  const client = createClient({ url: url.replace(/^redis\+[a-z]+:/, 'redis:') });
  await client.connect();
  if (url.startsWith('redis+streams:')) {
    const { createAdapter } = require('@socket.io/redis-streams-adapter');
    io.adapter(createAdapter(client, { streamName: prefix, channelPrefix: prefix }));
    return;
  }
  const { createAdapter, createShardedAdapter } = require('@socket.io/redis-adapter');
  const sub = client.duplicate();
  await sub.connect();
  if (url.startsWith('redis+sharded:')) {
    io.adapter(createShardedAdapter(client, sub, { channelPrefix: prefix }));
    return;
  }
  io.adapter(createAdapter(client, sub, { key: prefix }));
}

io.on('connection', (socket) => {
  socket.on('echo', (payload, ack) => ack(payload));
  socket.on('broadcast', (payload) => io.emit('broadcast', payload));
  socket.on('join', (room, ack) => { socket.join(room); ack(); });
  socket.on('room', (room, payload) => io.to(room).emit('room', payload));
});

const listen = () => http.listen(Number(process.env.PORT || 3000), '127.0.0.1', 4096);
if (process.env.CLUSTER) join(process.env.CLUSTER, process.env.CLUSTER_PREFIX).then(listen);
else listen();
