// A WebSocket server as a tutorial writes it by hand on `net`: one frame a read, payloads under 126 bytes, no control frames,
// no closing handshake.
const { createHash } = require('crypto');
const { createServer } = require('net');

const server = createServer((socket) => {
  let open = false;
  socket.on('error', () => {});
  socket.on('data', (data) => {
    if (!open) {
      const key = /Sec-WebSocket-Key: (.*)\r\n/i.exec(data.toString());
      if (key === null) return;
      const accept = createHash('sha1').update(`${key[1].trim()}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
      open = true;
      return;
    }
    const length = data[1] & 127;
    const mask = data.subarray(2, 6);
    const payload = Buffer.from(data.subarray(6, 6 + length).map((byte, index) => byte ^ mask[index % 4]));
    socket.write(Buffer.concat([Buffer.from([0x81, payload.length]), payload]));
  });
});
server.listen(Number(process.env.PORT), '127.0.0.1');
