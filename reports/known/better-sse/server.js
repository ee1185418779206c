// Event streams on the npm packages `express` and `better-sse`: a channel of the library for each channel, texts as they are.
import { createChannel, createSession } from 'better-sse';
import express from 'express';

const channels = new Map();
const channel = (name) => {
  if (!channels.has(name)) channels.set(name, createChannel());
  return channels.get(name);
};

const app = express();
app.use(express.json({ limit: '8mb' }));
app.get('/events/:channel', async (request, response) => {
  const session = await createSession(request, response, { keepAlive: 1000, serializer: (data) => data });
  channel(request.params.channel).register(session);
});
app.post('/publish/:channel', (request, response) => {
  const { data, id, event } = request.body;
  channel(request.params.channel).broadcast(data, event ?? undefined, { eventId: id ?? undefined });
  response.sendStatus(204);
});
app.listen(Number(process.env.PORT), '127.0.0.1');
