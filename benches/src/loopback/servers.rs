//! The servers: the same handler in each framework, once with its own event type and once with
//! ours.

use std::{
    convert::Infallible,
    io::{self, BufRead, Write},
    net::TcpListener,
    thread,
};

use futures_util::StreamExt;
use rustix::time::ClockId;
use sse_encoder::{Event, EventType, SseEncoder, data::Json};
use tokio::runtime::Builder;

use super::{
    Data, Framework, Setup, Writer,
    counted::{self, Counted},
    data::{Item, Page, Stamp},
    nanoseconds,
    source::{self, Source},
};
use crate::{
    items::Tick,
    peers::{ActixWebLab, Axum, Head, Peer, Warp},
};

pub const TICK: EventType = EventType::from_static("tick");

/// The line that ends an endless stream.
pub const END: &str = "end";

/// Serves `GET /EVENTS` until standard input ends. Prints the port, and then, for each line that
/// comes in, the nanoseconds of CPU that this process has used, its writes and their bytes.
pub fn serve(setup: Setup) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    println!("{}", listener.local_addr()?.port());
    thread::spawn(move || {
        match setup.data {
            Data::Tick => serve_items::<Tick>(listener, setup),
            Data::Page => serve_items::<Page>(listener, setup),
            Data::Stamp => serve_items::<Stamp>(listener, setup),
        }
        .expect("the server runs");
    });

    for line in io::stdin().lock().lines() {
        if line? == END {
            source::end();
        }
        let (writes, bytes) = counted::written();
        println!("{} {writes} {bytes}", nanoseconds(ClockId::ProcessCPUTime));
        io::stdout().flush()?;
    }
    Ok(())
}

fn serve_items<T: Item>(listener: TcpListener, setup: Setup) -> io::Result<()> {
    match setup.framework {
        Framework::Actix => actix::<T>(listener, setup),
        Framework::Axum => axum::<T>(listener, setup),
        Framework::Warp => warp::<T>(listener, setup),
    }
}

fn head(index: usize) -> Head {
    Head { id: Some(index as u64 + 1), event_type: Some("tick") }
}

/// An event of the framework's own.
fn own<P: Peer, T: Item>((index, made): (usize, u64)) -> P::Event {
    P::json(head(index), &T::make(index, made))
}

/// The response with ours: what the README's handler returns.
fn ours<T: Item>(
    setup: Setup,
    events: usize,
) -> SseEncoder<impl futures_core::Stream<Item = Event<Json<T>>>> {
    let source = Source::new(setup.load, events);
    let events = source.map(|(index, made)| Event::json(T::make(index, made)).event_type(TICK));
    SseEncoder::new(events).chunk_limit(setup.chunk_limit)
}

fn axum<T: Item>(listener: TcpListener, setup: Setup) -> io::Result<()> {
    use axum::{
        Router,
        extract::Path,
        response::{IntoResponse, Sse},
        routing::get,
    };

    let handler = move |Path(events): Path<usize>| async move {
        match setup.writer {
            Writer::Own => {
                let events = Source::new(setup.load, events).map(own::<Axum, T>);
                Sse::new(events.map(Ok::<_, Infallible>)).into_response()
            }
            Writer::Ours if setup.linger.is_zero() => ours::<T>(setup, events).into_response(),
            Writer::Ours => ours::<T>(setup, events).linger(setup.linger).into_response(),
        }
    };
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let app = Router::new().route("/{events}", get(handler));
        if setup.counted {
            axum::serve(counted::Listener(listener), app).await
        } else {
            axum::serve(listener, app).await
        }
    })
}

fn warp<T: Item>(listener: TcpListener, setup: Setup) -> io::Result<()> {
    use hyper_util::{
        rt::{TokioExecutor, TokioIo},
        server::conn::auto,
        service::TowerToHyperService,
    };
    use warp::{Filter, Reply, sse};

    let handler = move |events: usize| match setup.writer {
        Writer::Own => {
            let events = Source::new(setup.load, events).map(own::<Warp, T>);
            sse::reply(events.map(Ok::<_, Infallible>)).into_response()
        }
        Writer::Ours => ours::<T>(setup, events).into_response(),
    };
    let app = warp::path!(usize).map(handler);
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        if !setup.counted {
            warp::serve(app).incoming(listener).run().await;
            return Ok(());
        }
        // It takes no other connections than its own, so this is what it does with them.
        loop {
            let (stream, _) = listener.accept().await?;
            let service = TowerToHyperService::new(warp::service(app));
            tokio::spawn(async move {
                auto::Builder::new(TokioExecutor::new())
                    .http1()
                    .pipeline_flush(false)
                    .serve_connection_with_upgrades(TokioIo::new(Counted(stream)), service)
                    .await
            });
        }
    })
}

fn actix<T: Item>(listener: TcpListener, setup: Setup) -> io::Result<()> {
    use actix_http::{HttpService, Protocol};
    use actix_service::{ServiceFactoryExt, fn_service, map_config};
    use actix_web::{
        App, HttpRequest, HttpServer, Responder,
        dev::{AppConfig, Server},
        rt::{System, net::TcpStream},
        web,
    };
    use actix_web_lab::{sse::Sse, util::InfallibleStream};

    let handler = move |events: web::Path<usize>, request: HttpRequest| async move {
        let events = events.into_inner();
        match setup.writer {
            Writer::Own => {
                let events = Source::new(setup.load, events).map(own::<ActixWebLab, T>);
                Sse::from_stream(InfallibleStream::new(events)).respond_to(&request)
            }
            Writer::Ours => ours::<T>(setup, events).respond_to(&request).map_into_boxed_body(),
        }
    };
    let app = move || App::new().route("/{events}", web::get().to(handler));
    System::new().block_on(async {
        if !setup.counted {
            let server = HttpServer::new(app).workers(1).disable_signals();
            return server.listen(listener)?.run().await;
        }
        // It takes no other connections than its own, so this is what it does with them.
        let service = move || {
            fn_service(|stream: TcpStream| async move {
                let address = stream.peer_addr().ok();
                Ok((Counted(stream), Protocol::Http1, address))
            })
            .and_then(HttpService::build().finish(map_config(app(), |()| AppConfig::default())))
        };
        let server = Server::build().workers(1).disable_signals();
        server.listen("counted", listener, service)?.run().await
    })
}
