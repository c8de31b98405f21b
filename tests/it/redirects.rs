//! What each hop of a redirect carries, with the redirect layer around ours and inside it.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_bearer::login::Datafiniti;
use tower_bearer::testing::Api;
use tower_bearer::{BearerAuthLayer, NoAuth, Origins, ReplayBody};
use tower_http::follow_redirect::FollowRedirectLayer;
use tower_http::follow_redirect::policy::{FilterCredentials, Limited, PolicyExt};

use crate::support::{ScriptedSource, auth_error};

type NoBody = Empty<Bytes>;

const SCOPE: [&str; 2] = ["https://api.example.com", "https://eu.example.com"];

/// The rows of the docs' table. The columns are the redirect layer around ours, with
/// `authorization` and with another header, and inside ours, with either. A cell is what the hops
/// behind the first one carry.
fn table() -> Vec<[&'static str; 6]> {
    let docs = include_str!("../../src/origins.rs");
    let section = docs.split("/// # Redirects").nth(1).unwrap();
    let rows = section
        .lines()
        .filter_map(|line| line.strip_prefix("/// | "));
    rows.skip(1)
        .map(|row| {
            let cells: Vec<_> = row.strip_suffix(" |").unwrap().split(" | ").collect();
            cells.try_into().unwrap()
        })
        .collect()
}

fn hops(leads_to: &str) -> &'static [&'static str] {
    match leads_to {
        "the same origin" => &["https://api.example.com/b"],
        "another host, and back" => &["https://cdn.example.com/", "https://api.example.com/b"],
        "another port, and back" => &["https://api.example.com:8443/", "https://api.example.com/b"],
        "`http`, and back" => &["http://api.example.com/", "https://api.example.com/b"],
        "another of the token's origins" => &["https://eu.example.com/"],
        _ => unreachable!("{leads_to}"),
    }
}

/// Servers of all origins. A URI's query is where it redirects to.
#[derive(Clone)]
struct Web {
    header: HeaderName,
    status: StatusCode,
    seen: Arc<Mutex<Vec<(String, &'static str)>>>,
}

impl Web {
    fn new(header: &'static str, status: u16) -> Self {
        Self {
            header: HeaderName::from_static(header),
            status: StatusCode::from_u16(status).unwrap(),
            seen: Arc::default(),
        }
    }

    fn answer<B>(&self, request: &Request<B>) -> Response<()> {
        let carries = match request.headers().get(&self.header).map(HeaderValue::to_str) {
            None => "none",
            Some(Ok("Bearer t1")) => "token",
            Some(Ok("own")) => "own",
            other => panic!("{other:?}"),
        };
        let uri = request.uri().to_string();
        let here = uri.split('?').next().unwrap().to_owned();
        self.seen.lock().unwrap().push((here, carries));
        let mut response = Response::new(());
        if let Some((_, location)) = uri.split_once('?') {
            *response.status_mut() = self.status;
            let location = HeaderValue::from_str(location).unwrap();
            response.headers_mut().insert("location", location);
        }
        response
    }

    fn service(
        &self,
    ) -> impl Service<
        Request<ReplayBody<NoBody>>,
        Response = Response<()>,
        Error = BoxError,
        Future: Send,
    > + Clone
    + Send
    + 'static {
        let web = self.clone();
        service_fn(move |request| std::future::ready(Ok(web.answer(&request))))
    }
}

#[derive(Clone, Copy)]
enum Redirects {
    AroundOurs,
    InsideOurs,
}

/// What each hop carried.
async fn walk(
    order: Redirects,
    web: &Web,
    request: Request<NoBody>,
) -> Vec<(String, &'static str)> {
    let ours = BearerAuthLayer::new(ScriptedSource::open())
        .origins(Origins::each_of(SCOPE).unwrap())
        .header(web.header.clone());
    let redirects = FollowRedirectLayer::new();
    let response = match order {
        Redirects::AroundOurs => {
            let client = redirects.layer(ours.layer(web.service()));
            client.oneshot(request).await
        }
        Redirects::InsideOurs => {
            let client = ours.layer(redirects.layer(web.service()));
            client.oneshot(request).await
        }
    };
    assert_eq!(response.unwrap().status(), 200);
    web.seen.lock().unwrap().clone()
}

fn request(kind: &str, header: &'static str, hops: &[&str]) -> Request<NoBody> {
    let first = "https://api.example.com/a";
    let uri = [&[first], hops].concat().join("?");
    let request = Request::get(uri);
    let request = match kind {
        "with a header of its own" => request.header(header, "own"),
        "with `NoAuth`" => request.extension(NoAuth),
        "with the token" => request,
        _ => unreachable!("{kind}"),
    };
    request.body(NoBody::new()).unwrap()
}

/// S1, S2, S3: what each hop carries, for both orders of the layers, is what the docs' table says.
#[tokio::test]
async fn each_hop_carries_what_the_table_says() {
    use Redirects::{AroundOurs, InsideOurs};
    let columns = [
        (AroundOurs, "authorization"),
        (AroundOurs, "x-api-key"),
        (InsideOurs, "authorization"),
        (InsideOurs, "x-api-key"),
    ];
    let table = table();
    assert_eq!(table.len(), 9);
    for [kind, leads_to, cells @ ..] in table {
        for ((order, header), cell) in columns.into_iter().zip(cells) {
            for status in [302, 307, 308] {
                let hops = hops(leads_to);
                let web = Web::new(header, status);
                let seen = walk(order, &web, request(kind, header, hops)).await;
                let expected = cell.replace("**", "");
                let expected: Vec<_> = hops.iter().copied().zip(expected.split(", ")).collect();
                let seen: Vec<_> = seen
                    .iter()
                    .map(|(uri, carries)| (&**uri, *carries))
                    .collect();
                assert_eq!(
                    seen[1..],
                    expected,
                    "{kind}, {leads_to}, {header}, {status}"
                );
            }
        }
    }
}

/// S3: a policy that keeps `NoAuth` keeps it through hops to other origins and back.
#[tokio::test]
async fn a_policy_can_keep_the_opt_out() {
    let web = Web::new("authorization", 302);
    let policy = Limited::default()
        .and::<_, (), BoxError>(FilterCredentials::new().allow_extension::<NoAuth>());
    let client = ServiceBuilder::new()
        .layer(FollowRedirectLayer::with_policy(policy))
        .layer(BearerAuthLayer::new(ScriptedSource::open()))
        .service(web.service());
    let hops = hops("another host, and back");
    let request = request("with `NoAuth`", "authorization", hops);
    client.oneshot(request).await.unwrap();
    let seen = web.seen.lock().unwrap();
    assert!(seen.len() == 3 && seen.iter().all(|(_, carries)| *carries == "none"));
}

/// S2: a redirect layer around ours that is led to plain http within the origins gets an error, and
/// that hop is not sent.
#[tokio::test]
async fn a_hop_to_plain_http_in_scope_is_not_sent() {
    let web = Web::new("authorization", 302);
    let client = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .layer(BearerAuthLayer::new(ScriptedSource::open()))
        .service(web.service());
    let request = request("with the token", "authorization", hops("`http`, and back"));
    let error = auth_error(client.oneshot(request).await.unwrap_err());
    assert!(error.is_insecure(), "{error}");
    let first = ("https://api.example.com/a".to_owned(), "token");
    assert_eq!(*web.seen.lock().unwrap(), [first]);
}

/// S1, R1: with the redirect layer inside ours, a 401 at another host counts as a refusal of the
/// token, which it was never sent: one login and one replay for nothing.
#[tokio::test]
async fn a_refusal_behind_a_hidden_redirect_counts_as_one_of_the_token() {
    let desk = ScriptedSource::open();
    let hosts = Arc::new(Mutex::new(Vec::new()));
    let log = hosts.clone();
    let web = service_fn(move |request: Request<ReplayBody<NoBody>>| {
        let host = request.uri().host().unwrap().to_owned();
        let response = Response::builder();
        let response = match host.as_str() {
            "api.example.com" => response
                .status(302)
                .header("location", "https://cdn.example.com/"),
            _ => response.status(401),
        };
        log.lock().unwrap().push(host);
        std::future::ready(response.body(()).map_err(BoxError::from))
    });
    let ours = BearerAuthLayer::new(desk.clone()).origins(Origins::only(SCOPE[0]).unwrap());
    let client = ours.layer(FollowRedirectLayer::new().layer(web));
    let request = request("with the token", "authorization", &[]);
    assert_eq!(client.oneshot(request).await.unwrap().status(), 401);
    let (api, cdn) = ("api.example.com", "cdn.example.com");
    assert_eq!(*hosts.lock().unwrap(), [api, cdn, api, cdn]);
    assert_eq!(desk.logins(), 2);
}

type Answer = BoxFuture<'static, Result<Response<Full<Bytes>>, BoxError>>;

/// S1, S3, D1: a download link of Datafiniti's leads to another origin, which gets no token, be it
/// asked directly or by a redirect. As storage services do, this one turns an Authorization header
/// down.
#[tokio::test]
async fn a_download_link_on_another_origin_gets_no_token() {
    let api = Api::new().account("me@example.com", "correct horse");
    let http_client = {
        let api = api.clone();
        service_fn(move |request: Request<ReplayBody<NoBody>>| -> Answer {
            let authorized = request.headers().contains_key("authorization");
            let response = Response::builder();
            let response = match (request.uri().host(), request.uri().path()) {
                (Some("api.datafiniti.co"), "/v4/downloads/7") if authorized => {
                    let file = "https://files.example.com/7.csv?signature=abc";
                    response.status(302).header("location", file)
                }
                (Some("api.datafiniti.co"), _) => return Box::pin(api.clone().oneshot(request)),
                (Some("files.example.com"), "/7.csv") if !authorized => response,
                _ => response.status(400),
            };
            Box::pin(async { Ok(response.body(Full::from("id,name"))?) })
        })
    };
    let login = Datafiniti::new(api.clone(), "me@example.com", "correct horse");
    let client = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .layer(BearerAuthLayer::new(login))
        .service(http_client);
    for uri in [
        "https://api.datafiniti.co/v4/downloads/7",
        "https://files.example.com/7.csv?signature=abc",
    ] {
        let request = Request::get(uri).body(NoBody::new()).unwrap();
        let response = client.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{uri}");
        let file = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(file, "id,name");
    }
    assert_eq!(api.counts().logins, 1);
}
