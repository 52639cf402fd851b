//! `SseEncoder` as the response of each framework, in process; `suites/interop` has the real
//! servers.

use std::{io::Read, time::Duration};

use flate2::read::GzDecoder;
use futures_util::{Stream, stream};
use sse_encoder::{Event, LastEventId, SseEncoder, StopReconnecting};

const BODY: &str = ":\nid: 42\nevent: message\ndata: a\n\nid: 43\nevent: message\ndata: b\n\n";

const HEADERS: [(&str, &str); 3] = [
    ("content-type", "text/event-stream; charset=utf-8"),
    ("cache-control", "no-cache, no-store, no-transform"),
    ("x-accel-buffering", "no"),
];

/// Requests, by path and header, and their last event ID.
const LAST_EVENT_IDS: &[Row] = &[
    ("/", &[], None),
    ("/", &[b"41"], Some("41")),
    ("/?lastEventId=40", &[], Some("40")),
    ("/?lastEventId=40", &[b"41"], Some("41")),
    ("/?a=b&lastEventId=caf%C3%A9", &[], Some("café")),
    ("/", &["é…".as_bytes()], Some("é…")),
    ("/", &[b"\xE9"], None),
    ("/?lastEventId=4%00", &[b""], None),
    // An empty header counts as absent; of several, the last valid one counts.
    ("/?lastEventId=40", &[b""], Some("40")),
    ("/", &[b"40", b"41"], Some("41")),
    ("/", &[b"40", b""], Some("40")),
    ("/?lastEventId=39", &[b"40", b"\xE9"], Some("40")),
    // A proxy would refuse a request with a longer id.
    ("/?lastEventId=40", &[&[b'x'; 4097]], Some("40")),
];

fn events(last: &LastEventId) -> SseEncoder<impl Stream<Item = Event> + use<>> {
    let items = ["a", "b"].map(|text| Event::text(text).into_owned());
    SseEncoder::new(stream::iter(items)).resume_after(last)
}

fn last(id: &str) -> LastEventId {
    LastEventId::from_headers([id])
}

type Row = (&'static str, &'static [&'static [u8]], Option<&'static str>);

const LATER: Duration = Duration::from_secs(9);

/// The text of a body, with what its `Content-Encoding` does to it.
fn decoded(encoding: Option<&http::HeaderValue>, body: &[u8]) -> String {
    let mut text = String::new();
    match encoding.map(http::HeaderValue::as_bytes) {
        None => text += str::from_utf8(body).unwrap(),
        Some(b"gzip") => {
            GzDecoder::new(body).read_to_string(&mut text).unwrap();
        }
        Some(other) => panic!("no client reads {other:?}"),
    }
    text
}

const GOODBYE: &str = ":\nevent: goodbye\nretry: 9000\ndata: {}\n\n";

mod axum {
    use ::axum::{
        Router,
        body::{Body, to_bytes},
        extract::{FromRequestParts, OptionalFromRequestParts},
        http::Request,
        response::{IntoResponse, Response},
        routing::get,
    };
    use tower::ServiceExt;
    use tower_http::compression::CompressionLayer;

    use super::*;

    async fn body(response: Response) -> String {
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_stream_is_a_response() {
        let response = events(&last("41")).into_response();
        assert_eq!(response.status(), 200);
        for (name, value) in HEADERS {
            assert_eq!(response.headers()[name], value);
        }
        for name in ["connection", "content-encoding"] {
            assert!(!response.headers().contains_key(name));
        }
        assert_eq!(body(response).await, BODY);
    }

    #[tokio::test]
    async fn a_header_can_be_replaced_and_added() {
        let headers = [("cache-control", "no-store"), ("x-more", "1")];
        let response = (headers, events(&last("41"))).into_response();
        assert_eq!(response.headers().get_all("cache-control").iter().count(), 1);
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["x-more"], "1");
    }

    #[tokio::test]
    async fn compression_leaves_it_readable() {
        let handler = async |last: LastEventId| events(&last);
        let page = async || "x".repeat(9_999);
        let app = Router::new().route("/events", get(handler)).route("/page", get(page));
        let app = app.layer(CompressionLayer::new());
        for (path, encoding) in [("/events", None), ("/page", Some("gzip"))] {
            let request = Request::get(path).header("accept-encoding", "gzip");
            let request = request.header("last-event-id", "41").body(Body::empty()).unwrap();
            let response = app.clone().oneshot(request).await.unwrap();
            let actual = response.headers().get("content-encoding").cloned();
            assert_eq!(actual.as_ref().map(|value| value.to_str().unwrap()), encoding);
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            let text = decoded(actual.as_ref(), &body);
            assert!(if path == "/events" { text == BODY } else { text.starts_with("xxx") });
        }
    }

    #[tokio::test]
    async fn refusals_are_responses() {
        let response = SseEncoder::retry_after(LATER).into_response();
        assert_eq!(response.status(), 200);
        assert_eq!(body(response).await, GOODBYE);
        assert_eq!(StopReconnecting.into_response().status(), StopReconnecting::STATUS);
    }

    #[tokio::test]
    async fn an_optional_last_event_id_is_an_extractor_too() {
        for (uri, expected) in [("/", None), ("/?lastEventId=7", Some("7"))] {
            let (mut parts, ()) = Request::get(uri).body(()).unwrap().into_parts();
            let Ok(last) =
                <LastEventId as OptionalFromRequestParts<()>>::from_request_parts(&mut parts, &())
                    .await;
            assert_eq!(last.as_ref().and_then(LastEventId::as_str), expected);
        }
    }

    #[tokio::test]
    async fn the_last_event_id_is_an_extractor() {
        for (uri, headers, expected) in LAST_EVENT_IDS {
            let mut request = Request::get(*uri);
            for header in *headers {
                request = request.header("Last-Event-ID", *header);
            }
            let (mut parts, _) = request.body(Body::empty()).unwrap().into_parts();
            let Ok(last) =
                <LastEventId as FromRequestParts<()>>::from_request_parts(&mut parts, &()).await;
            assert_eq!(last.as_str(), *expected, "{uri} {headers:?}");
        }
    }
}

mod actix_web {
    use std::{
        marker::PhantomData,
        pin::Pin,
        rc::Rc,
        sync::Arc,
        task::{Context, Poll},
    };

    use ::actix_web::{
        App, FromRequest, HttpResponse, Responder,
        body::to_bytes,
        error::ErrorNotFound,
        http::{Method, header::HeaderValue},
        middleware::Compress,
        test, web,
    };
    use futures_util::TryStreamExt;
    use sse_encoder::header;

    use super::*;

    #[tokio::test]
    async fn a_stream_is_a_responder() {
        let request = test::TestRequest::default().to_http_request();
        let response = events(&last("41")).respond_to(&request);
        assert_eq!(response.status(), 200);
        for (name, value) in HEADERS.into_iter().chain([header::CONTENT_ENCODING]) {
            assert_eq!(response.headers().get(name).unwrap(), value);
        }
        assert_eq!(to_bytes(response.into_body()).await.unwrap(), BODY);
    }

    #[tokio::test]
    async fn a_head_is_answered_without_the_stream() {
        let request = test::TestRequest::with_uri("/").method(Method::HEAD).to_http_request();
        let held = Arc::new(());
        let response = events(&last("41")).guard(held.clone()).respond_to(&request);
        assert_eq!(Arc::strong_count(&held), 1);
        for (name, value) in HEADERS.into_iter().chain([header::CONTENT_ENCODING]) {
            assert_eq!(response.headers().get(name).unwrap(), value);
        }
        assert!(to_bytes(response.into_body()).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn errors_of_the_framework_are_passed_on_as_their_text() {
        let items = stream::iter([Err::<Event, _>(ErrorNotFound("no such feed"))]);
        let items = items.map_err(sse_encoder::Error::from);
        let request = test::TestRequest::default().to_http_request();
        let response = SseEncoder::bare(items).respond_to(&request);
        let error = to_bytes(response.into_body()).await.unwrap_err();
        assert_eq!(error.to_string(), "no such feed");
    }

    #[tokio::test]
    async fn a_stream_need_not_be_send() {
        struct Local(PhantomData<Rc<()>>);
        impl Stream for Local {
            type Item = Event;
            fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Event>> {
                Poll::Ready(None)
            }
        }
        let request = test::TestRequest::default().to_http_request();
        let response = SseEncoder::new(Local(PhantomData)).comment("open").respond_to(&request);
        assert_eq!(to_bytes(response.into_body()).await.unwrap(), ":\n: open\n");
    }

    #[tokio::test]
    async fn a_header_can_be_replaced_and_added() {
        let request = test::TestRequest::default().to_http_request();
        let response = events(&last("41"))
            .customize()
            .insert_header(("cache-control", "no-store"))
            .insert_header(("x-more", "1"))
            .respond_to(&request);
        assert_eq!(response.headers().get_all("cache-control").count(), 1);
        assert_eq!(response.headers().get("cache-control").unwrap(), "no-store");
        assert_eq!(response.headers().get("x-more").unwrap(), "1");
    }

    #[tokio::test]
    async fn the_compress_middleware_does_not_compress_it() {
        let handler = || async { events(&LastEventId::none()) };
        let page = || async { HttpResponse::Ok().body("x".repeat(9_999)) };
        let app = App::new()
            .wrap(Compress::default())
            .route("/events", web::get().to(handler))
            .route("/page", web::get().to(page));
        let app = test::init_service(app).await;
        for (path, encoding) in [("/events", "identity"), ("/page", "gzip")] {
            let request =
                test::TestRequest::get().uri(path).insert_header(("accept-encoding", "gzip"));
            let response = test::call_service(&app, request.to_request()).await;
            assert_eq!(response.headers().get("content-encoding").unwrap(), encoding);
        }
    }

    #[tokio::test]
    async fn refusals_are_responders() {
        let request = test::TestRequest::default().to_http_request();
        let response = SseEncoder::retry_after(LATER).respond_to(&request);
        assert_eq!(response.status(), 200);
        assert_eq!(to_bytes(response.into_body()).await.unwrap(), GOODBYE);
        assert_eq!(StopReconnecting.respond_to(&request).status(), StopReconnecting::STATUS);
    }

    #[tokio::test]
    async fn the_last_event_id_is_an_extractor() {
        for (uri, headers, expected) in LAST_EVENT_IDS {
            let mut request = test::TestRequest::get().uri(uri);
            for header in *headers {
                let value = HeaderValue::from_bytes(header).unwrap();
                request = request.append_header(("last-event-id", value));
            }
            let Ok(last) = LastEventId::extract(&request.to_http_request()).await;
            assert_eq!(last.as_str(), *expected, "{uri} {headers:?}");
        }
    }
}

mod warp {
    use std::sync::{Arc, Mutex};

    use ::warp::{Filter, Reply, test};
    use http_body_util::BodyExt;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    #[tokio::test]
    async fn a_stream_is_a_reply() {
        let route = LastEventId::warp_filter().map(|last| events(&last));
        let response = test::request().header("last-event-id", "41").reply(&route).await;
        assert_eq!(response.status(), 200);
        for (name, value) in HEADERS {
            assert_eq!(response.headers()[name], value);
        }
        for name in ["connection", "content-encoding"] {
            assert!(!response.headers().contains_key(name));
        }
        assert_eq!(response.body(), BODY);
    }

    #[tokio::test]
    async fn a_header_can_be_replaced_and_added() {
        let route = ::warp::any().map(|| events(&last("41")));
        let route = route.with(::warp::reply::with::header("cache-control", "no-store"));
        let route = route.with(::warp::reply::with::header("x-more", "1"));
        let response = test::request().reply(&route).await;
        assert_eq!(response.headers().get_all("cache-control").iter().count(), 1);
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["x-more"], "1");
    }

    /// The filter compresses everything, and appends to the header.
    #[tokio::test]
    async fn compression_leaves_it_readable() {
        let route = LastEventId::warp_filter().map(|last| events(&last));
        let request = test::request().header("accept-encoding", "gzip");
        let request = request.header("last-event-id", "41");
        let response = request.reply(&route.with(::warp::compression::gzip())).await;
        let encoding = response.headers().get("content-encoding");
        assert_eq!(encoding.unwrap(), "gzip");
        assert_eq!(decoded(encoding, response.body()), BODY);
    }

    /// What a client reads that has asked for gzip, from a stream of many chunks.
    #[tokio::test]
    async fn a_compressed_stream_is_readable_through_a_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let route = ::warp::any().map(|| {
            let numbers = stream::unfold(0_u64, async |n| {
                tokio::task::yield_now().await;
                (n < 3_000).then(|| (Event::json(n), n + 1))
            });
            SseEncoder::bare(numbers)
        });
        let route = route.with(::warp::compression::gzip());
        let server = tokio::spawn(::warp::serve(route).incoming(listener).run());

        let mut socket = TcpStream::connect(address).await.unwrap();
        let request = "GET / HTTP/1.0\r\nhost: localhost\r\naccept-encoding: gzip\r\n\r\n";
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        socket.read_to_end(&mut response).await.unwrap();
        let head = response.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        let (head, body) = response.split_at(head);
        let head = String::from_utf8(head.to_ascii_lowercase()).unwrap();
        assert_eq!(head.matches("content-encoding").count(), 1, "{head}");
        assert!(head.contains("\r\ncontent-encoding: gzip\r\n"), "{head}");
        let gzip = ::warp::http::HeaderValue::from_static("gzip");
        let events = (0..3_000).map(|n| format!("data: {n}\n\n"));
        let expected: String = [":\n".to_owned()].into_iter().chain(events).collect();
        assert_eq!(decoded(Some(&gzip), body), expected);
        server.abort();
    }

    #[test]
    fn refusals_are_replies() {
        assert_eq!(SseEncoder::retry_after(LATER).into_response().status(), 200);
        assert_eq!(StopReconnecting.into_response().status(), StopReconnecting::STATUS);
    }

    #[tokio::test]
    async fn the_last_event_id_has_a_filter_that_never_rejects() {
        for (uri, headers, expected) in LAST_EVENT_IDS {
            let mut request = http::Request::get(*uri);
            for header in *headers {
                request = request.header("last-event-id", *header);
            }
            // Its error type is `Infallible`.
            let route = LastEventId::warp_filter().map(|last: LastEventId| {
                last.as_str().map_or("none".into(), |id| format!("id {id}"))
            });
            let request = request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
            let Ok(response) =
                tower_service::Service::call(&mut ::warp::service(route), request).await;
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let expected = expected.map_or("none".into(), |id| format!("id {id}"));
            assert_eq!(body, expected, "{uri} {headers:?}");
        }
    }

    #[tokio::test]
    async fn a_head_is_answered_without_the_stream() {
        let held = Arc::new(());
        for (method, count) in [("HEAD", 1), ("GET", 2)] {
            let method = method.parse().unwrap();
            let stream = events(&last("41")).guard(held.clone());
            let response = stream.into_reply_to(&method);
            assert_eq!(Arc::strong_count(&held), count);
            for (name, value) in HEADERS {
                assert_eq!(response.headers()[name], value);
            }
        }
    }

    #[tokio::test]
    async fn a_stream_need_not_be_sync() {
        let cell = std::cell::Cell::new(Some(Event::text("a").into_owned()));
        let items = stream::once(async move { cell.take().unwrap() });
        let reply = Arc::new(Mutex::new(Some(SseEncoder::bare(items))));
        let route = ::warp::any().map(move || reply.lock().unwrap().take().unwrap());
        assert_eq!(test::request().reply(&route).await.body(), ":\ndata: a\n\n");
    }
}

mod http_body {
    use ::http_body::Body;
    use http_body_util::{BodyExt, Empty};

    use super::*;

    #[tokio::test]
    async fn a_stream_is_a_body_and_makes_a_response() {
        let response = events(&last("41")).into_http_response();
        assert_eq!(response.status(), 200);
        for (name, value) in HEADERS {
            assert_eq!(response.headers()[name], value);
        }
        assert_eq!(response.headers().len(), HEADERS.len());
        let body = response.into_body();
        assert!(!body.is_end_stream());
        assert_eq!(body.collect().await.unwrap().to_bytes(), BODY);
    }

    /// For servers that ask for its size, and for those that only poll it.
    #[tokio::test]
    async fn a_head_is_answered_without_a_body_and_the_source_is_dropped_at_once() {
        let held = std::sync::Arc::new(());
        for (method, has_body) in [("HEAD", false), ("GET", true)] {
            let source = held.clone();
            let items = stream::iter(std::iter::once_with(move || {
                let _ = &source;
                Event::text("a")
            }));
            let request = http::Request::builder().method(method).body(()).unwrap();
            let response = SseEncoder::new(items).into_http_response_to(&request);
            for (name, value) in HEADERS {
                assert_eq!(response.headers()[name], value);
            }
            let sources = std::sync::Arc::strong_count(&held) - 1;
            let body = response.into_body();
            assert_eq!((body.is_end_stream(), sources), (!has_body, usize::from(has_body)));
            assert_eq!(body.collect().await.unwrap().to_bytes().is_empty(), !has_body);
        }
    }

    /// So that the server can write the head before the source does anything.
    #[tokio::test]
    async fn without_an_opening_comment_a_body_is_pending_once_before_its_source_is_polled() {
        use std::{future::poll_fn, pin::pin, task::Poll};
        let polled = std::sync::atomic::AtomicBool::new(false);
        let items = stream::poll_fn(|_| {
            polled.store(true, std::sync::atomic::Ordering::Relaxed);
            Poll::Ready(Some(Err::<Event, _>("at once")))
        });
        let mut body = pin!(SseEncoder::bare(items).opening_comment(false));
        poll_fn(|cx| {
            assert!(body.as_mut().poll_frame(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        assert!(!polled.load(std::sync::atomic::Ordering::Relaxed));
        assert_eq!(body.frame().await.unwrap().unwrap_err().to_string(), "at once");
    }

    #[tokio::test]
    async fn a_body_knows_its_end_and_passes_errors_on() {
        let items = [Ok(Event::text("a")), Err("broken")];
        let mut body = SseEncoder::bare(stream::iter(items));
        for expected in [":\n", "data: a\n\n"] {
            let frame = body.frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), expected);
        }
        assert_eq!(body.frame().await.unwrap().unwrap_err().to_string(), "broken");
        assert!(body.frame().await.is_none());
        assert!(body.is_end_stream());
    }

    #[tokio::test]
    async fn refusals_are_responses() {
        let response = SseEncoder::retry_after(LATER).into_http_response();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), GOODBYE);
        let response = StopReconnecting.into_http_response::<Empty<bytes::Bytes>>();
        assert_eq!(response.status(), StopReconnecting::STATUS);
    }

    #[test]
    fn the_last_event_id_is_read_from_a_request() {
        for (uri, headers, expected) in LAST_EVENT_IDS {
            let mut request = http::Request::get(*uri);
            for header in *headers {
                request = request.header("Last-Event-ID", *header);
            }
            let last = LastEventId::from_http_request(&request.body(()).unwrap());
            assert_eq!(last.as_str(), *expected, "{uri} {headers:?}");
        }
    }
}
