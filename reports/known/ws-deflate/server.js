// An echo server on the npm package `ws` with permessage-deflate, which it leaves out by default.
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(process.env.PORT),
  // Short messages go uncompressed otherwise.
  perMessageDeflate: { threshold: 0 },
});
server.on('connection', (socket) => {
  // A protocol error is an event; without a listener it would end the process.
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
