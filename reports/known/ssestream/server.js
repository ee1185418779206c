// An event stream on the npm package `ssestream`: objects as data, and whatever is published as it came.
const express = require('express');
const SseStream = require('ssestream').default;

const app = express();
app.use(express.json({ limit: '4mb', strict: false }));
const streams = new Set();
let id = 0;
app.get('/sse', (request, response) => {
  const stream = new SseStream(request);
  stream.pipe(response);
  streams.add(stream);
  const timer = setInterval(() => {
    stream.write({ id: ++id, event: 'server-time', retry: 20000, data: { ms: Date.now() } });
  }, 1000);
  response.on('close', () => {
    clearInterval(timer);
    streams.delete(stream);
    stream.unpipe(response);
  });
});
app.post('/publish', (request, response) => {
  const { data, id, event } = request.body;
  for (const stream of streams) stream.write({ data, id: id ?? undefined, event: event ?? undefined });
  response.sendStatus(204);
});
app.listen(Number(process.env.PORT), '127.0.0.1');
