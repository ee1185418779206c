// An echo on the npm package `nodejs-websocket`, as its documentation has it.
const { createServer } = require('nodejs-websocket');

const server = createServer((connection) => {
  connection.on('text', (text) => connection.sendText(text));
  connection.on('error', () => {});
});
server.listen(Number(process.env.PORT), '127.0.0.1');
