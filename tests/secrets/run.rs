//! Full runs over sockets: all that can become of a login and of a request.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tower::util::BoxCloneService;
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt};
use tower_bearer::login::{ClientAuth, Datafiniti, Form};
use tower_bearer::testing::Api;
use tower_bearer::{AuthError, BearerAuthLayer, OnFailedRenewal, Origins, ReplayBody, TokenSource};
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::trace::{DefaultMakeSpan, DefaultOnRequest, DefaultOnResponse, TraceLayer};
use tracing::Level;

use crate::server::{OTHER_TOKEN, REFRESH_TOKEN, answer, echo, failures, serve};
use crate::texts::{PASSWORD, Secrets, Texts};

const NAME: &str = "me@example.com";
const CLIENT_SECRET: &str = "cl13ntS3cr3tQQ";
/// `app:cl13ntS3cr3tQQ`, as it goes in the header.
const BASIC: &str = "YXBwOmNsMTNudFMzY3IzdFFR";
const WRONG_PASSWORD: &str = "Wr0ngPa55word";

type Body = Full<Bytes>;
type Stack = BoxCloneService<Request<Body>, Response<()>, BoxError>;

#[derive(Clone, Copy)]
enum Login {
    Datafiniti,
    Form,
    /// With the client in a header, and renewed by a refresh token.
    OAuth,
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
    for secret in [
        CLIENT_SECRET,
        BASIC,
        REFRESH_TOKEN,
        WRONG_PASSWORD,
        OTHER_TOKEN,
    ] {
        secrets.add(secret);
    }
    secrets.add_parts(PASSWORD);
    for http2 in [false, true] {
        for login in [Login::Datafiniti, Login::Form, Login::OAuth] {
            let world = World::new(http2, login).await;
            world.requests(texts, secrets).await;
            world.renewals(texts).await;
            world.logins(texts).await;
        }
    }
}

impl World {
    async fn new(http2: bool, login: Login) -> Self {
        let api = Api::new()
            .account(NAME, PASSWORD)
            .client("app", CLIENT_SECRET);
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
            if let Login::Form | Login::OAuth = self.login {
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
        let everywhere = self.stack(&layer.origins(Origins::any()));
        let error = self.get(&everywhere, "http://api.example.com", texts).await;
        assert!(error.unwrap_err().is_insecure());
    }

    /// A refused token, and a login that does not help.
    async fn renewals(&self, texts: &mut Texts) {
        for choice in [OnFailedRenewal::ReturnResponse, OnFailedRenewal::Error] {
            let layer = self.layer(PASSWORD, texts).on_failed_renewal(choice);
            let client = self.stack(&layer);
            assert_eq!(self.get(&client, &self.base, texts).await.unwrap(), 200);
            self.api.revoke_all();
            self.api.script_login(answer(401, echo()));
            if let Login::OAuth = self.login {
                // The password follows a refresh token that was rejected.
                self.api.script_login(answer(401, echo()));
            }
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
        let client = self.stack(&layer);
        // The second time without a login.
        for _ in 0..2 {
            let error = self.get(&client, &self.base, texts).await;
            assert!(error.unwrap_err().is_rejected());
        }

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
                let login = login.secret_field("client_secret", CLIENT_SECRET).unwrap();
                texts.debug("Form", &login);
                layer(login)
            }
            Login::OAuth => {
                let login = Form::new(client, &self.base, NAME, password).unwrap();
                let login = login.path("/oauth/token").unwrap();
                let login = login.field("grant_type", "password").unwrap();
                let login = login.client_auth(ClientAuth::new("app", CLIENT_SECRET));
                layer(login.use_refresh_token())
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
        &(
            response.error(),
            response.message(),
            response.code(),
            response.uri(),
            response.request_id(),
        ),
    );
    for detail in response.details() {
        texts.display("ErrorDetail", detail);
        texts.debug(
            "ErrorDetail",
            &(detail.field(), detail.message(), detail.kind()),
        );
    }
}

fn trace() -> TraceLayer<SharedClassifier<ServerErrorsAsFailures>> {
    let span = DefaultMakeSpan::new().level(Level::TRACE);
    let response = DefaultOnResponse::new().level(Level::TRACE);
    TraceLayer::new_for_http()
        .make_span_with(span.include_headers(true))
        .on_request(DefaultOnRequest::new().level(Level::TRACE))
        .on_response(response.include_headers(true))
}
