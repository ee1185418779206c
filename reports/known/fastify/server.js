// Event streams and a WebSocket on the npm package `fastify`, with its own plugins.
import { EventEmitter } from 'node:events';
import sse from '@fastify/sse';
import websocket from '@fastify/websocket';
import fastify from 'fastify';

const news = new EventEmitter();
news.setMaxListeners(0);
const app = fastify({ bodyLimit: 8 << 20 });
await app.register(sse, { heartbeatInterval: 1000, serializer: (data) => data });
await app.register(websocket);

app.get('/events/:channel', { sse: 'only' }, async (request, reply) => {
  const { channel } = request.params;
  const send = async ({ data, id, event }) => {
    await reply.sse.send({ data, id: id ?? undefined, event: event ?? undefined });
  };
  reply.sse.keepAlive();
  reply.sse.sendHeaders();
  news.on(channel, send);
  reply.sse.onClose(() => news.off(channel, send));
});
app.post('/publish/:channel', async (request, reply) => {
  news.emit(request.params.channel, request.body);
  return reply.code(204).send();
});
app.get('/echo', { websocket: true }, (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
// A message that the plugin refuses to write ends no other stream.
process.on('unhandledRejection', () => {});
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
