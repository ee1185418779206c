// An event stream on the npm package `express`, in the plain style: a header and a timer.
const express = require('express');

const app = express();
let id = 0;
app.get('/eventSource', (request, response) => {
  response.header('Content-Type', 'text/event-stream');
  const timer = setInterval(() => {
    response.write(`event:message\nid:${id++}\ndata:${Date.now()}\n\n`);
  }, 1000);
  request.on('close', () => clearInterval(timer));
});
app.listen(Number(process.env.PORT), '127.0.0.1');
