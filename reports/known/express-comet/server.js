// Comet on the npm package `express`, in the plain style: every path answers with the time, and one writes a script a second.
const express = require('express');

const app = express();
app.use((request, response, next) => {
  response.set('Access-Control-Allow-Origin', 'http://localhost:8000');
  next();
});
app.get('/clock', (request, response) => {
  response.type('html');
  const tick = () => {
    const time = new Date().toISOString();
    response.write(`<script>parent.document.getElementById('clock').innerHTML = '${time}'</script>`);
  };
  tick();
  const timer = setInterval(tick, 1000);
  request.on('close', () => clearInterval(timer));
});
app.use((request, response) => response.send(new Date().toISOString()));
app.listen(Number(process.env.PORT), '127.0.0.1');
