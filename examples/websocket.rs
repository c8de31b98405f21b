//! Opens WebSockets with the session's token. The layer sees no handshake, so the caller asks the
//! session for the token, and reports a refusal to it. The servers listen on loopback ports, and the
//! counts are theirs.
//!
//! ```text
//! cargo run --example websocket --features testing
//! ```

use futures::future::try_join_all;
use futures::{SinkExt, StreamExt};
use http::StatusCode;
use http::header::AUTHORIZATION;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, accept_hdr_async, connect_async};
use tower::BoxError;
use tower_bearer::login::Form;
use tower_bearer::testing::{Api, serve};
use tower_bearer::{Session, Token};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let api = Api::new().account("alice", "correct horse");
    let server = serve(api.clone()).await?;
    let url = serve_sockets(api.clone()).await?;

    let http = Client::builder(TokioExecutor::new()).build_http();
    // The layer for requests to the same API would be `BearerAuthLayer::from_session(session)`.
    let session = Session::new(Form::new(http, server.url(), "alice", "correct horse")?);

    echo(&mut connect(&session, &url).await?).await?;
    println!("a WebSocket: {} login", api.counts().logins);
    assert_eq!(api.counts().logins, 1);

    api.revoke_all();
    let sockets = (0..16).map(|_| connect(&session, &url));
    for mut socket in try_join_all(sockets).await? {
        echo(&mut socket).await?;
    }
    println!(
        "the token revoked, 16 at once: {} logins in all",
        api.counts().logins
    );
    assert_eq!(api.counts().logins, 2);

    api.change_password("alice", "battery staple");
    let error = connect(&session, &url).await.err();
    let error = error.ok_or("the old token is good")?;
    println!("the password changed: {error}");
    assert!(matches!(
        error.downcast_ref(),
        Some(Error::Http(response)) if response.status() == StatusCode::UNAUTHORIZED
    ));
    Ok(())
}

/// What there is to copy: a WebSocket with the session's token, and if the server refuses that, once
/// more with a new one.
async fn connect(session: &Session, url: &str) -> Result<Socket, BoxError> {
    let token = session.token().await?;
    match handshake(url, &token).await {
        Err(Error::Http(response)) if response.status() == StatusCode::UNAUTHORIZED => {
            // However many are refused at once, this makes one login. If none can be made now, the
            // same token is returned, and the second refusal is the answer.
            session.invalidate(&token);
            Ok(handshake(url, &session.token().await?).await?)
        }
        result => Ok(result?),
    }
}

async fn handshake(url: &str, token: &Token) -> Result<Socket, Error> {
    let mut request = url.into_client_request()?;
    let value = token.header_value().clone();
    request.headers_mut().insert(AUTHORIZATION, value);
    let (socket, _) = connect_async(request).await?;
    Ok(socket)
}

async fn echo(socket: &mut Socket) -> Result<(), BoxError> {
    socket.send(Message::text("hello")).await?;
    let answer = socket.next().await.ok_or("closed")??;
    assert_eq!(answer, Message::text("hello"));
    Ok(())
}

/// Accepts WebSockets whose handshake has a good token, and sends back what comes through them.
async fn serve_sockets(api: Api) -> Result<String, BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let api = api.clone();
            tokio::spawn(async move {
                #[expect(clippy::result_large_err, reason = "it is tungstenite's type")]
                let guard = |request: &server::Request, response| {
                    if api.accepts(request.headers()) {
                        return Ok(response);
                    }
                    let mut refusal = server::ErrorResponse::new(None);
                    *refusal.status_mut() = StatusCode::UNAUTHORIZED;
                    Err(refusal)
                };
                if let Ok(socket) = accept_hdr_async(stream, guard).await {
                    let (sink, stream) = socket.split();
                    let _ = stream.forward(sink).await;
                }
            });
        }
    });
    Ok(url)
}
