// A server as a tutorial on the npm package `ws` has it: it answers each message, and has no listener for errors.
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.env.PORT) });
server.on('connection', (socket) => {
  socket.on('message', (data) => socket.send(`You said: ${data}`));
});
