//! Opens WebSockets with the session's token: a handshake is no request of the layer's, so its
//! token is asked for, and a refusal is told. The server listens on loopback; the counts are its.
//!
//! ```text
//! cargo run --example websocket
//! ```

mod common;

use futures::{SinkExt, StreamExt};
use http::StatusCode;
use http::header::AUTHORIZATION;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, accept_hdr_async, connect_async};
use tower::BoxError;
use tower_bearer::login::Form;
use tower_bearer::testing::Api;
use tower_bearer::{Session, Token};

use self::common::{http_client, step};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A WebSocket of this session: with the token in hand, and once more with a new one if the server
/// refuses that.
async fn connect(session: &Session, url: &str) -> Result<Socket, BoxError> {
    let token = session.token().await?;
    match handshake(url, &token).await {
        Err(Error::Http(response)) if response.status() == StatusCode::UNAUTHORIZED => {
            // Of many that are refused at once, the first one makes the login for all. Where no login
            // can be made the same token comes back, and the second refusal is the answer.
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

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let api = Api::new().account("alice", "correct horse");
    let login = common::serve(api.clone()).await?;
    let url = serve(api.clone()).await?;
    println!("a WebSocket server listens on {url}\n");

    // The layer of the requests to the same API would be `BearerAuthLayer::from_session(session)`.
    let session = Session::new(Form::new(http_client(), &login, "alice", "correct horse")?);
    let logins = || api.counts().logins;
    let counted = || format!("{} logins in all", logins());

    session.token().await?;
    step("logged in ahead", counted(), logins() == 1)?;

    let echoed = echo(&mut connect(&session, &url).await?).await?;
    step("a WebSocket", counted(), echoed && logins() == 1)?;

    api.revoke_all();
    let sockets = (0..16).map(|_| connect(&session, &url));
    let mut echoed = 0;
    for mut socket in futures::future::try_join_all(sockets).await? {
        echoed += usize::from(echo(&mut socket).await?);
    }
    let seen = format!("{echoed} opened, {}", counted());
    step(
        "16 at once, the token revoked",
        seen,
        (echoed, logins()) == (16, 2),
    )?;

    println!("-- the password is changed --");
    api.change_password("alice", "battery staple");
    let error = connect(&session, &url).await.err().ok_or("no error")?;
    let refused = matches!(
        error.downcast_ref(),
        Some(Error::Http(response)) if response.status() == StatusCode::UNAUTHORIZED
    );
    step("a WebSocket", error, refused)
}

async fn echo(socket: &mut Socket) -> Result<bool, BoxError> {
    socket.send(Message::text("hello")).await?;
    let answer = socket.next().await.ok_or("closed")??;
    Ok(answer == Message::text("hello"))
}

/// Sends back what it gets from those whose handshake has a good token.
async fn serve(api: Api) -> Result<String, BoxError> {
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
