// SockJS: an echo, with its defaults.
import { createServer } from 'node:http';
import sockjs from 'sockjs';

const echo = sockjs.createServer({ log: () => {} });
echo.on('connection', (connection) => {
  connection.on('data', (message) => connection.write(message));
});
const server = createServer((request, response) => response.writeHead(404).end());
echo.installHandlers(server, { prefix: '/echo' });
server.listen(Number(process.env.PORT), '127.0.0.1');
