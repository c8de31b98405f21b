//! The clients: two kinds of HTTP, one session.

use std::sync::Arc;

use http_body::Body;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tower::{BoxError, Layer};
use tower_bearer::login::Form;
use tower_bearer::{BearerAuth, BearerAuthLayer, Origins, ReplayBody, Session};

use crate::login::{PASSWORD, USERNAME};
use crate::referee::{Observed, Referee, Watched};
use crate::rules;
use crate::tally::Tally;
use crate::upload::Upload;

pub(crate) type Http<B> = Client<HttpConnector, B>;
pub(crate) type AuthClient = BearerAuth<Observed<Http<ReplayBody<Upload>>>>;

pub(crate) struct Clients {
    pub(crate) session: Session,
    pub(crate) http1: AuthClient,
    pub(crate) http2: AuthClient,
}

impl Clients {
    pub(crate) fn new(http1: &str, http2: &str, tally: Arc<Tally>) -> Result<Self, BoxError> {
        let referee = Referee::new(tally);
        let logins: [Form; 2] = [
            Form::new(http(false), http1, USERNAME, PASSWORD)?,
            Form::new(http(true), http2, USERNAME, PASSWORD)?,
        ];
        let session = rules::session(Watched {
            referee: referee.clone(),
            logins,
            origins: Origins::each_of([http1, http2])?,
        });
        let layer = BearerAuthLayer::from_session(session.clone());
        let client = |http2| {
            layer.layer(Observed {
                referee: referee.clone(),
                inner: http(http2),
            })
        };
        Ok(Self {
            session,
            http1: client(false),
            http2: client(true),
        })
    }
}

fn http<B>(http2: bool) -> Http<B>
where
    B: Body + Send,
    B::Data: Send,
{
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new())
        .http2_only(http2)
        // A second attempt of the client's own would look like one of the layer's.
        .retry_canceled_requests(false)
        .build(connector)
}
