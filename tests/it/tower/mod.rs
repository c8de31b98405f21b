//! Readiness, reservations and errors: the layer as a good citizen of a tower stack.

mod clones;
mod errors;
mod logins;
mod readiness;

use http::Response;
use tower_test::mock::{self, Handle, Mock};

use crate::support::Sent;

const URI: &str = "https://api.example.com/";

type Inner = Mock<Sent, Response<&'static str>>;

/// A mock panics when it is called without having been ready.
fn mock() -> (Inner, Handle<Sent, Response<&'static str>>) {
    mock::pair()
}

async fn answer(handle: &mut Handle<Sent, Response<&'static str>>, status: u16) -> Sent {
    let (request, send) = handle.next_request().await.unwrap();
    let response = Response::builder().status(status).body("").unwrap();
    send.send_response(response);
    request
}
