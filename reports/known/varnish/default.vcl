# Varnish before the reference server: what streams, or waits, goes through a pipe.
vcl 4.1;

backend reference {
  .host = "127.0.0.1";
  .port = "@UPSTREAM@";
}

sub vcl_recv {
  if (req.http.Upgrade ~ "(?i)websocket" || req.url ~ "^/(sse|iframe|long-polling)/") {
    return (pipe);
  }
}

sub vcl_pipe {
  if (req.http.Upgrade) {
    set bereq.http.Upgrade = req.http.Upgrade;
    set bereq.http.Connection = req.http.Connection;
  }
}
