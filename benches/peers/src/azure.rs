//! `azure_core`: `BearerTokenAuthorizationPolicy`, of Azure's own pipeline of policies, over a `TokenCredential`.
//!
//! It renews by the clock, five minutes ahead, while all requests wait, one login at a time. A 401 makes it forget the
//! token in hand, whichever token the request had; it retries once only if the 401 has a `WWW-Authenticate` header and
//! the caller has given it an `OnChallenge`, which is the case here: one that asks for a token again. The body is kept,
//! as one that can be sent twice is all that a pipeline takes. It asks for scopes of OAuth, but looks at no origin; it
//! refuses any request that does not go over https. The header is replaced, and formatted for each request.
//!
//! What is timed: the future of `Policy::send`, with a policy at the end of the pipeline that reads the body and
//! answers as the no-op service does. Request, headers and response are Azure's own types, so the row before it tells
//! what that last policy costs alone.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::http::headers::{AUTHORIZATION, Headers, WWW_AUTHENTICATE};
use azure_core::http::policies::auth::{Authorizer, BearerTokenAuthorizationPolicy, OnChallenge};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{AsyncRawResponse, Body, Context, Method, Request, StatusCode};
use azure_core::time::OffsetDateTime;

use crate::api::{self, Api, LIFETIME};
use crate::client::{self, BODY, Client, HEADERS, URL};
use crate::peer::{About, Login, Peer};

const PACKAGE: &str = "azure_core";
const SCOPE: &str = "https://api.example.com/.default";

/// The end of the pipeline alone.
pub async fn noop() -> Peer {
    let about = About {
        name: "azure_core, no-op policy",
        package: PACKAGE,
        login: Login::None,
        retries: false,
    };
    Peer::new(about, async |api| Pipeline::new(vec![Arc::new(Last(api))])).await
}

/// The policy.
pub async fn peer() -> Peer {
    let about = About {
        name: "azure_core, OnChallenge",
        package: PACKAGE,
        login: Login::InProcess,
        retries: true,
    };
    Peer::new(about, async |api| {
        let policy = BearerTokenAuthorizationPolicy::new(Arc::new(Credential(api)), [SCOPE]);
        Pipeline::new(vec![
            Arc::new(policy.with_on_challenge(Arc::new(Again))),
            Arc::new(Last(api)),
        ])
    })
    .await
}

#[derive(Clone)]
struct Pipeline {
    policies: Arc<[Arc<dyn Policy>]>,
    context: Context<'static>,
}

impl Pipeline {
    fn new(policies: Vec<Arc<dyn Policy>>) -> Self {
        Self {
            policies: policies.into(),
            context: Context::new(),
        }
    }
}

impl Client for Pipeline {
    type Request = Request;

    fn request(&self) -> Request {
        let mut request = Request::new(URL.parse().expect("a URL"), Method::Post);
        for (name, value) in &HEADERS {
            request.insert_header(name.as_str().to_owned(), *value);
        }
        request.set_body(vec![b'x'; BODY]);
        request
    }

    async fn send(&mut self, mut request: Request) -> http::StatusCode {
        let [first, rest @ ..] = &*self.policies else {
            unreachable!("there is a last policy")
        };
        match first.send(&self.context, &mut request, rest).await {
            Ok(response) => {
                http::StatusCode::from_u16(response.status().into()).expect("one of ours")
            }
            Err(error) => client::failed(error),
        }
    }
}

/// The end of the pipeline.
struct Last(&'static Api);

#[async_trait]
impl Policy for Last {
    async fn send(
        &self,
        _: &Context,
        request: &mut Request,
        _: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let request = std::hint::black_box(request);
        if let Body::Bytes(body) = request.body() {
            std::hint::black_box(body.clone());
        }
        let (status, late) = self
            .0
            .judge(|| api::number(request.headers().get_optional_str(&AUTHORIZATION)?));
        if late {
            tokio::task::yield_now().await;
        }
        let mut headers = Headers::new();
        if status == http::StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, "Bearer");
        }
        Ok(AsyncRawResponse::from_bytes(
            StatusCode::from(status.as_u16()),
            headers,
            Vec::new(),
        ))
    }
}

/// The source of tokens.
struct Credential(&'static Api);

#[async_trait]
impl TokenCredential for Credential {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        Ok(AccessToken::new(
            self.0.login().await,
            OffsetDateTime::now_utc() + LIFETIME,
        ))
    }
}

/// Asks for a token again.
#[derive(Debug)]
struct Again;

#[async_trait]
impl OnChallenge for Again {
    async fn on_challenge(
        &self,
        context: &Context,
        request: &mut Request,
        authorizer: &dyn Authorizer,
        _: &Headers,
    ) -> azure_core::Result<()> {
        let mut options = TokenRequestOptions::default();
        options.method_options.context = context.to_borrowed();
        authorizer.authorize(request, &[SCOPE], options).await
    }
}

impl fmt::Debug for Last {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Last")
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}
