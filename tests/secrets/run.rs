//! Full runs over sockets: all that can become of a login and of a request.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::util::BoxCloneService;
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_bearer::login::{Datafiniti, Form};
use tower_bearer::testing::{Answer, Api};
use tower_bearer::{AuthError, BearerAuthLayer, OnFailedRenewal, ReplayBody, Scope, TokenSource};
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::trace::{DefaultMakeSpan, DefaultOnRequest, DefaultOnResponse, TraceLayer};
use tracing::Level;

use crate::texts::{PASSWORD, Secrets, Texts};

const NAME: &str = "me@example.com";
const CLIENT_SECRET: &str = "cl13ntS3cr3tQQ";
const REFRESH_TOKEN: &str = "r3fr3shT0k3nZZ";
const WRONG_PASSWORD: &str = "Wr0ngPa55word";
/// Of an answer that is no good for another reason.
const OTHER_TOKEN: &str = "0th3rT0k3nYY";

type Body = Full<Bytes>;
type Stack = BoxCloneService<Request<Body>, Response<()>, BoxError>;

#[derive(Clone, Copy)]
enum Login {
    Datafiniti,
    Form,
}

/// One server, seen by two origins, and a client of one version of HTTP.
struct World {
    api: Api,
    base: String,
    elsewhere: String,
    http2: bool,
    login: Login,
}

pub(crate) async fn all(texts: &mut Texts, secrets: &mut Secrets) {
    for secret in [CLIENT_SECRET, REFRESH_TOKEN, WRONG_PASSWORD, OTHER_TOKEN] {
        secrets.add(secret);
    }
    secrets.add_parts(PASSWORD);
    for http2 in [false, true] {
        for login in [Login::Datafiniti, Login::Form] {
            let world = World::new(http2, login).await;
            world.requests(texts, secrets).await;
            world.renewals(texts).await;
            world.logins(texts).await;
        }
    }
}

impl World {
    async fn new(http2: bool, login: Login) -> Self {
        let api = Api::new().account(NAME, PASSWORD);
        Self {
            base: serve(api.clone()).await,
            elsewhere: serve(api.clone()).await,
            api,
            http2,
            login,
        }
    }

    /// A success, a renewal, and requests that get no token.
    async fn requests(&self, texts: &mut Texts, secrets: &mut Secrets) {
        let layer = self.layer(PASSWORD, texts);
        let client = self.stack(&layer);
        for _ in 0..2 {
            assert_eq!(self.get(&client, &self.base, texts).await.unwrap(), 200);
            let token = layer.session().token().await.unwrap();
            secrets.add(token.expose());
            if let Login::Form = self.login {
                assert_eq!(token.expose_refresh_token(), Some(REFRESH_TOKEN));
            }
            texts.debug("Token", &token);
            texts.display("Token", &format_args!("{}", token.fingerprint()));
            texts.debug("Session", layer.session());
            texts.debug("BearerAuthLayer", &layer);
            texts.debug("BearerAuth", &layer.layer(self.api.clone()));
            self.api.revoke_all();
        }
        assert_eq!(
            self.get(&client, &self.elsewhere, texts).await.unwrap(),
            401
        );
        let everywhere = self.stack(&layer.scope(Scope::any()));
        let error = self.get(&everywhere, "http://api.example.com", texts).await;
        assert!(error.unwrap_err().is_insecure());
    }

    /// A refused token, and a login that does not help.
    async fn renewals(&self, texts: &mut Texts) {
        for choice in [OnFailedRenewal::Respond, OnFailedRenewal::Error] {
            let layer = self.layer(PASSWORD, texts).on_failed_renewal(choice);
            let client = self.stack(&layer);
            assert_eq!(self.get(&client, &self.base, texts).await.unwrap(), 200);
            self.api.revoke_all();
            self.api.script_login(answer(401, echo()));
            match self.get(&client, &self.base, texts).await {
                Ok(status) => assert_eq!(status, 401),
                Err(error) => assert!(error.is_rejected()),
            }
            texts.debug("OnFailedRenewal", &choice);
        }
    }

    /// Logins that fail, each in a session of its own.
    async fn logins(&self, texts: &mut Texts) {
        let layer = self.layer(WRONG_PASSWORD, texts);
        let error = self.get(&self.stack(&layer), &self.base, texts).await;
        assert!(error.unwrap_err().is_rejected());

        for script in failures() {
            let layer = self.layer(PASSWORD, texts);
            self.api.script_login(script);
            let error = self.get(&self.stack(&layer), &self.base, texts).await;
            error.unwrap_err();
            texts.debug("Session", layer.session());
        }
    }

    fn layer(&self, password: &str, texts: &mut Texts) -> BearerAuthLayer {
        let client = ServiceBuilder::new()
            .layer(trace())
            .service(self.http_client::<Body>());
        match self.login {
            Login::Datafiniti => {
                let login = Datafiniti::new(client, NAME, password);
                let login = login.base_url(&self.base).unwrap();
                texts.debug("Datafiniti", &login);
                layer(login)
            }
            Login::Form => {
                let login = Form::new(client, &self.base, NAME, password).unwrap();
                let login = login.secret_field("client_secret", CLIENT_SECRET);
                texts.debug("Form", &login);
                layer(login)
            }
        }
    }

    /// What traces requests and their headers stands on both sides of the layer.
    fn stack(&self, layer: &BearerAuthLayer) -> Stack {
        let client = ServiceBuilder::new()
            .layer(trace())
            .layer(layer.clone())
            .buffer(4)
            .map_request(|request: Request<ReplayBody<Body>>| {
                tracing::info!(?request, "on its way out");
                request
            })
            .layer(trace())
            .service(self.http_client::<ReplayBody<Body>>());
        BoxCloneService::new(client.map_response(|response| response.map(drop)))
    }

    fn http_client<B>(&self) -> Client<HttpConnector, B>
    where
        B: http_body::Body + Send,
        B::Data: Send,
    {
        Client::builder(TokioExecutor::new())
            .http2_only(self.http2)
            .build_http()
    }

    async fn get(
        &self,
        client: &Stack,
        base: &str,
        texts: &mut Texts,
    ) -> Result<StatusCode, AuthError> {
        let request = Request::get(format!("{base}/users/me"));
        let request = request.body(Body::default()).unwrap();
        match client.clone().oneshot(request).await {
            Ok(response) => {
                texts.debug("Response", &response);
                if let Some(error) = response.extensions().get() {
                    print(error, texts);
                }
                Ok(response.status())
            }
            Err(error) => {
                texts.error("BoxError", &*error);
                let error = *error.downcast::<AuthError>().unwrap();
                print(&error, texts);
                Err(error)
            }
        }
    }
}

fn layer(source: impl TokenSource) -> BearerAuthLayer {
    BearerAuthLayer::new(source)
}

fn print(error: &AuthError, texts: &mut Texts) {
    texts.error("AuthError", error);
    texts.error("AuthError", error.get_ref());
    let Some(response) = error.response() else {
        return;
    };
    texts.error("ErrorResponse", response);
    texts.debug(
        "ErrorResponse",
        &(response.error(), response.message(), response.code()),
    );
    for detail in response.details() {
        texts.display("ErrorDetail", detail);
        texts.debug(
            "ErrorDetail",
            &(detail.field(), detail.message(), detail.kind()),
        );
    }
}

fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    Response::builder()
        .status(status)
        .body(body.into())
        .unwrap()
        .into()
}

/// An error in all documented fields of which the password is repeated, in every spelling.
fn echo() -> String {
    let form: String = form_urlencoded::byte_serialize(PASSWORD.as_bytes()).collect();
    let json = serde_json::json!({ "password": PASSWORD }).to_string();
    serde_json::json!({
        "error": format!("not good: {PASSWORD}"),
        "message": format!("password={form}"),
        "error_description": json,
        "code": PASSWORD,
        "details": [{ "field": form, "message": json }],
        "detail": [{ "loc": ["body", PASSWORD], "msg": json, "type": PASSWORD, "input": PASSWORD }],
    })
    .to_string()
}

fn failures() -> Vec<Answer> {
    let no_token = serde_json::json!({ "refresh_token": OTHER_TOKEN, "message": OTHER_TOKEN });
    let odd_type = serde_json::json!({
        "token": format!("{OTHER_TOKEN} \u{7f}"),
        "access_token": OTHER_TOKEN,
        "token_type": format!("mac {OTHER_TOKEN}"),
        "message": format!("{OTHER_TOKEN} {PASSWORD}"),
    });
    vec![
        answer(400, echo()),
        answer(401, echo()),
        answer(404, echo()),
        answer(422, echo()),
        answer(503, echo()),
        answer(403, format!("<p>{PASSWORD}</p>")),
        answer(200, format!("<p>{OTHER_TOKEN}</p>")),
        answer(200, no_token.to_string()),
        answer(200, odd_type.to_string()),
        Answer::TransportError(std::io::ErrorKind::ConnectionReset),
    ]
}

fn trace() -> TraceLayer<SharedClassifier<ServerErrorsAsFailures>> {
    let span = DefaultMakeSpan::new().level(Level::TRACE);
    let response = DefaultOnResponse::new().level(Level::TRACE);
    TraceLayer::new_for_http()
        .make_span_with(span.include_headers(true))
        .on_request(DefaultOnRequest::new().level(Level::TRACE))
        .on_response(response.include_headers(true))
}

/// Serves the API on a free loopback port. Its form login gives a refresh token as well.
async fn serve(api: Api) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = api.clone().oneshot(request);
        async move {
            let (mut head, body) = answer.await.map_err(std::io::Error::other)?.into_parts();
            let Ok(body) = body
                .collect()
                .await
                .map_err(|error: Infallible| match error {});
            let mut body = body.to_bytes();
            let json = serde_json::from_slice(&body).ok();
            if let Some(mut json) = json.filter(|_: &serde_json::Value| head.status == 200) {
                if json.get("access_token").is_some() {
                    json["refresh_token"] = REFRESH_TOKEN.into();
                    head.headers.remove("content-length");
                    body = json.to_string().into();
                }
            }
            Ok::<_, std::io::Error>(Response::from_parts(head, Body::new(body)))
        }
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    base
}
