// A server of the Model Context Protocol, by streamable HTTP with sessions: each request is answered with a stream that ends
// with its result.
import { randomUUID } from 'node:crypto';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import express from 'express';

const sessions = new Map();

async function open() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => sessions.set(id, transport),
  });
  transport.onclose = () => sessions.delete(transport.sessionId);
  await new Server({ name: 'clock', version: '1.0.0' }, { capabilities: {} }).connect(transport);
  return transport;
}

const app = express();
app.use(express.json());
app.all('/mcp', async (request, response) => {
  const known = sessions.get(request.headers['mcp-session-id']);
  if (known === undefined && !isInitializeRequest(request.body)) {
    response.status(404).json({ jsonrpc: '2.0', error: { code: -32001, message: 'no such session' }, id: null });
    return;
  }
  await (known ?? (await open())).handleRequest(request, response, request.body);
});
app.listen(Number(process.env.PORT), '127.0.0.1');
