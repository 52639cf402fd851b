//! The servers: the same handler in each framework, once with its own event type and once with ours.

use std::{
    convert::Infallible,
    io::{self, BufRead, Write},
    net::TcpListener,
    thread,
};

use futures_util::StreamExt;
use rustix::time::{ClockId, clock_gettime};
use sse_encoder::{Event, EventType, SseEncoder};
use tokio::runtime::Builder;

use super::{Framework, Load, Writer, source::Source};
use crate::{
    items,
    peers::{ActixWebLab, Axum, Head, Peer, Warp},
};

const TICK: EventType = EventType::from_static("tick");

/// Serves `GET /EVENTS` until standard input ends. Prints the port, and then, for each line that
/// comes in, the nanoseconds of CPU that this process has used.
pub fn serve(framework: Framework, writer: Writer, load: Load) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    println!("{}", listener.local_addr()?.port());
    thread::spawn(move || {
        match framework {
            Framework::Actix => actix(listener, writer, load),
            Framework::Axum => axum(listener, writer, load),
            Framework::Warp => warp(listener, writer, load),
        }
        .expect("the server runs");
    });

    for line in io::stdin().lock().lines() {
        line?;
        let used = clock_gettime(ClockId::ProcessCPUTime);
        println!("{}", used.tv_sec * 1_000_000_000 + used.tv_nsec);
        io::stdout().flush()?;
    }
    Ok(())
}

fn head(index: usize) -> Head {
    Head { id: Some(index as u64 + 1), event_type: Some("tick") }
}

/// An event of the framework's own.
fn own<P: Peer>(index: usize) -> P::Event {
    P::json(head(index), &items::tick(index))
}

/// The response with ours: what the README's handler returns.
fn ours(
    load: Load,
    events: usize,
) -> SseEncoder<impl futures_core::Stream<Item = Event<sse_encoder::data::Json<items::Tick>>>> {
    let source = Source::new(load, events);
    SseEncoder::new(source.map(|index| Event::json(items::tick(index)).event_type(TICK)))
}

fn axum(listener: TcpListener, writer: Writer, load: Load) -> io::Result<()> {
    use axum::{
        Router,
        extract::Path,
        response::{IntoResponse, Sse},
        routing::get,
    };

    let handler = move |Path(events): Path<usize>| async move {
        match writer {
            Writer::Own => {
                let events = Source::new(load, events).map(own::<Axum>).map(Ok::<_, Infallible>);
                Sse::new(events).into_response()
            }
            Writer::Ours => ours(load, events).into_response(),
        }
    };
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        axum::serve(listener, Router::new().route("/{events}", get(handler))).await
    })
}

fn warp(listener: TcpListener, writer: Writer, load: Load) -> io::Result<()> {
    use warp::{Filter, Reply, sse};

    let handler = move |events: usize| match writer {
        Writer::Own => {
            let events = Source::new(load, events).map(own::<Warp>).map(Ok::<_, Infallible>);
            sse::reply(events).into_response()
        }
        Writer::Ours => ours(load, events).into_response(),
    };
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        warp::serve(warp::path!(usize).map(handler)).incoming(listener).run().await;
        Ok(())
    })
}

fn actix(listener: TcpListener, writer: Writer, load: Load) -> io::Result<()> {
    use actix_web::{App, HttpRequest, HttpServer, Responder, web};
    use actix_web_lab::{sse::Sse, util::InfallibleStream};

    let handler = move |events: web::Path<usize>, request: HttpRequest| async move {
        let events = events.into_inner();
        match writer {
            Writer::Own => {
                let events = Source::new(load, events).map(own::<ActixWebLab>);
                Sse::from_stream(InfallibleStream::new(events)).respond_to(&request)
            }
            Writer::Ours => ours(load, events).respond_to(&request).map_into_boxed_body(),
        }
    };
    let app = move || App::new().route("/{events}", web::get().to(handler));
    actix_web::rt::System::new()
        .block_on(HttpServer::new(app).workers(1).disable_signals().listen(listener)?.run())
}
