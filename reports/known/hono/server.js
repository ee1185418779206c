// Event streams and a WebSocket on the npm package `hono`, with its own helpers, on Node.
import { EventEmitter, on } from 'node:events';
import { serve, upgradeWebSocket } from '@hono/node-server';
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { WebSocketServer } from 'ws';

const news = new EventEmitter();
news.setMaxListeners(0);
const app = new Hono();

app.get('/events/:channel', (c) => streamSSE(c, async (stream) => {
  const gone = new AbortController();
  stream.onAbort(() => gone.abort());
  try {
    for await (const [message] of on(news, c.req.param('channel'), { signal: gone.signal })) {
      await stream.writeSSE({ data: message.data, id: message.id ?? undefined, event: message.event ?? undefined });
    }
  } catch (error) {
    if (error.name !== 'AbortError') throw error;
  }
}));
app.post('/publish/:channel', async (c) => {
  news.emit(c.req.param('channel'), await c.req.json());
  return c.body(null, 204);
});
app.get('/echo', upgradeWebSocket(() => ({
  onMessage: (event, socket) => socket.send(event.data),
})));

serve({
  fetch: app.fetch,
  hostname: '127.0.0.1',
  port: Number(process.env.PORT),
  websocket: { server: new WebSocketServer({ noServer: true }) },
});
