//! Event streams on the crates `actix-web` and `actix-web-lab`, and a WebSocket on `actix-ws`, in the style of their examples.

use std::{collections::HashMap, convert::Infallible, sync::Mutex, time::Duration};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, get, post, web};
use actix_web_lab::sse::{Data, Event, Sse};
use actix_ws::AggregatedMessage as Message;
use futures_util::StreamExt;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

#[derive(Clone, serde::Deserialize)]
struct News {
    data: String,
    id: Option<String>,
    event: Option<String>,
}

type Channels = Mutex<HashMap<String, broadcast::Sender<News>>>;

fn channel(channels: &Channels, name: String) -> broadcast::Sender<News> {
    channels.lock().unwrap().entry(name).or_insert_with(|| broadcast::channel(1024).0).clone()
}

#[get("/events/{channel}")]
async fn events(name: web::Path<String>, channels: web::Data<Channels>) -> impl Responder {
    let news = BroadcastStream::new(channel(&channels, name.into_inner()).subscribe())
        .filter_map(async |news| news.ok());
    let events = news.map(|news| {
        let mut data = Data::new(news.data);
        if let Some(id) = news.id {
            data.set_id(id);
        }
        if let Some(name) = news.event {
            data.set_event(name);
        }
        Ok::<_, Infallible>(Event::Data(data))
    });
    Sse::from_stream(events.boxed()).with_keep_alive(Duration::from_secs(1))
}

#[post("/publish/{channel}")]
async fn publish(
    name: web::Path<String>,
    news: web::Json<News>,
    channels: web::Data<Channels>,
) -> impl Responder {
    // Without a subscriber it is an error, which is nobody's business.
    let _ = channel(&channels, name.into_inner()).send(news.into_inner());
    HttpResponse::NoContent()
}

#[get("/echo")]
async fn echo(request: HttpRequest, body: web::Payload) -> actix_web::Result<impl Responder> {
    let (response, mut session, messages) = actix_ws::handle(&request, body)?;
    let mut messages = messages.aggregate_continuations();
    actix_web::rt::spawn(async move {
        while let Some(Ok(message)) = messages.next().await {
            let sent = match message {
                Message::Ping(bytes) => session.pong(&bytes).await,
                Message::Text(text) => session.text(text).await,
                Message::Binary(bytes) => session.binary(bytes).await,
                Message::Close(_) => break,
                Message::Pong(_) => Ok(()),
            };
            if sent.is_err() {
                return;
            }
        }
        let _ = session.close(None).await;
    });
    Ok(response)
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let channels = web::Data::new(Channels::default());
    let port = std::env::var("PORT").unwrap().parse().unwrap();
    HttpServer::new(move || {
        App::new()
            .app_data(channels.clone())
            .app_data(web::JsonConfig::default().limit(8 << 20))
            .service(events)
            .service(publish)
            .service(echo)
    })
    .bind(("127.0.0.1", port))?
    .workers(2)
    .run()
    .await
}
