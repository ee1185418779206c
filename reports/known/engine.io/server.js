// An echo on the npm package `engine.io`, with its defaults: the transport of Socket.IO, by polling and by WebSocket.
import { listen } from 'engine.io';

const server = listen(Number(process.env.PORT), '127.0.0.1');
server.on('connection', (socket) => {
  socket.on('message', (data) => socket.send(data));
});
