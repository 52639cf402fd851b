//! The router of axum over QUIC.

use std::net::Ipv4Addr;

use ::axum::{Router, body::Body, http::Request};
use bytes::{Buf, Bytes};
use h3::{error::Code, quic, server::RequestResolver};
use http_body_util::BodyExt;
use quinn::{
    Endpoint, ServerConfig,
    crypto::rustls::QuicServerConfig,
    rustls::{self, crypto::ring, pki_types::PrivatePkcs8KeyDer},
};
use rcgen::{CertifiedKey, PublicKeyData, generate_simple_self_signed};
use tower::ServiceExt;

use super::*;

/// Serves the app. After the address it prints its public key in hexadecimal: Chromium is told to
/// trust it.
pub(super) fn serve(
    name: &'static str,
    app: Router,
    stopped: impl Future<Output = ()> + Send,
) -> Result<impl Future<Output = Result<(), BoxError>> + Send, BoxError> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".into()])?;
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let mut tls = rustls::ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())?;
    tls.alpn_protocols = vec![b"h3".into()];
    let config = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    let endpoint = Endpoint::server(config, (Ipv4Addr::LOCALHOST, 0).into())?;
    let key: String =
        signing_key.subject_public_key_info().iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{name} https://{} {key}", endpoint.local_addr()?);
    Ok(async move {
        let mut stopped = std::pin::pin!(stopped);
        loop {
            let incoming = tokio::select! {
                incoming = endpoint.accept() => incoming.ok_or("the endpoint is closed")?,
                () = &mut stopped => break,
            };
            tokio::spawn(connection(incoming, app.clone()));
        }
        endpoint.close(0_u32.into(), b"");
        endpoint.wait_idle().await;
        Ok(())
    })
}

async fn connection(incoming: quinn::Incoming, app: Router) -> Result<(), BoxError> {
    let connection = h3_quinn::Connection::new(incoming.await?);
    let mut connection = h3::server::Connection::new(connection).await?;
    while let Some(request) = connection.accept().await? {
        tokio::spawn(answer(request, app.clone()));
    }
    Ok(())
}

async fn answer<C>(request: RequestResolver<C, Bytes>, app: Router) -> Result<(), BoxError>
where
    C: quic::Connection<Bytes>,
{
    let (request, mut stream) = request.resolve_request().await?;
    let (parts, ()) = request.into_parts();
    let response = app.oneshot(Request::from_parts(parts, Body::empty())).await?;
    let (parts, mut body) = response.into_parts();
    stream.send_response(::axum::http::Response::from_parts(parts, ())).await?;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            stream.stop_stream(Code::H3_INTERNAL_ERROR);
            return Ok(());
        };
        if let Ok(data) = frame.into_data().map(|mut data| data.copy_to_bytes(data.remaining())) {
            stream.send_data(data).await?;
        }
    }
    Ok(stream.finish().await?)
}
