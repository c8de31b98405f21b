//! The caller is gone, or is given an error, before the upload is at its end.

use http::StatusCode;
use tower_bearer::{AuthError, BearerAuthLayer, OnFailedRenewal};

use super::behavior::{Protocol, RestOfBody, ServerBehavior};
use super::log::{End, has_got};
use super::server::{Server, connected, connected_by};
use crate::support::{ScriptedSource, auth_error, explanation, token};

/// B2, T3: dropped during the first login, nothing is sent, and the body is gone at once.
#[tokio::test]
async fn a_request_dropped_during_the_first_login_opens_nothing() {
    for protocol in Protocol::BOTH {
        let desk = ScriptedSource::closed();
        let (server, client) = connected_by(&desk, protocol, ServerBehavior::PATIENT).await;
        let (upload, sent) = server.upload_from(&client);
        desk.has_begun(1).await;
        sent.cancel().await;
        upload.is_dropped().await;
        // The login goes on without anybody.
        desk.let_through(1);
        server.is_left_alone_by(client).await;
        assert_eq!(server.log().accepted, 0);
    }
}

/// B2: dropped in the middle of the first upload, the request ends in an error and the body is gone,
/// with the client alive.
#[tokio::test]
async fn a_request_dropped_during_the_upload_leaves_nothing_open() {
    for protocol in Protocol::BOTH {
        let (server, client) = connected(protocol, ServerBehavior::PATIENT).await;
        let (upload, sent) = server.upload_from(&client);
        upload.data("one");
        server.until(|log| has_got(log, 0, b"one")).await;
        sent.cancel().await;
        upload.is_dropped().await;
        server.has_seen(&[End::Broken]).await;
        server.is_left_alone_by(client).await;
    }
}

/// B2: dropped during the login after an early refusal, the upload that still goes on is given up:
/// it ends in an error and the body is gone, with the client alive.
#[tokio::test]
async fn a_request_dropped_during_the_renewal_leaves_nothing_open() {
    for protocol in Protocol::BOTH {
        let desk = ScriptedSource::closed_after(1);
        let (server, client) =
            connected_by(&desk, protocol, ServerBehavior::early(RestOfBody::Reads)).await;
        let (upload, sent) = server.upload_from(&client);
        upload.data("one");
        desk.has_begun(2).await;
        server.until(|log| has_got(log, 0, b"one")).await;
        sent.cancel().await;
        upload.is_dropped().await;
        server.has_seen(&[End::Broken]).await;
        // The login goes on without anybody.
        desk.let_through(1);
        server.is_left_alone_by(client).await;
    }
}

/// B2: the same with a server that reads no further, so that hyper does not look at the upload: the
/// body is gone all the same, and the server gets the error when it reads on.
#[tokio::test]
async fn a_request_dropped_during_the_renewal_leaves_no_body_to_a_server_that_reads_no_further() {
    for protocol in Protocol::BOTH {
        let desk = ScriptedSource::closed_after(1);
        let (server, client) =
            connected_by(&desk, protocol, ServerBehavior::early(RestOfBody::Holds)).await;
        server.is_known_to(&client).await;
        let (upload, sent) = server.upload_from(&client);
        for _ in 0..48 {
            upload.data(vec![1; 1024]);
        }
        desk.has_begun(2).await;
        sent.cancel().await;
        upload.is_dropped().await;
        assert_eq!(server.log().ends(), []);
        server.read_on();
        server.has_seen(&[End::Broken]).await;
        // The login goes on without anybody.
        desk.let_through(1);
        server.is_left_alone_by(client).await;
    }
}

/// R4, B1: where the renewal fails and the caller gets the refused response, the upload goes on to
/// its end as if there were no layer.
#[tokio::test]
async fn a_failed_renewal_that_is_answered_by_the_refusal_lets_the_upload_go_on() {
    for protocol in Protocol::BOTH {
        let (server, client) =
            connected_by(&once(), protocol, ServerBehavior::early(RestOfBody::Reads)).await;
        let (upload, sent) = server.upload_from(&client);
        upload.data("one, ");
        let response = sent.response().await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(explanation(&response).unwrap().is_unavailable());
        drop(response);
        upload.data("two");
        drop(upload);
        server.until(|log| log.exchanges == 0).await;
        {
            let log = server.log();
            assert_eq!(log.ends(), [End::Whole]);
            assert_eq!(log.requests[0].body, b"one, two");
        }
        server.is_left_alone_by(client).await;
    }
}

/// R4: where the renewal fails and the caller gets the error, the upload that still goes on is given
/// up, with the client alive.
#[tokio::test]
async fn a_failed_renewal_that_is_an_error_leaves_nothing_open() {
    for protocol in Protocol::BOTH {
        let server = Server::start(protocol, ServerBehavior::early(RestOfBody::Reads)).await;
        let layer = BearerAuthLayer::new(once()).on_failed_renewal(OnFailedRenewal::Error);
        let client = server.client_of(&layer);
        let (upload, sent) = server.upload_from(&client);
        upload.data("one");
        assert!(auth_error(sent.error().await).is_unavailable());
        upload.is_dropped().await;
        server.has_seen(&[End::Broken]).await;
        server.is_left_alone_by(client).await;
    }
}

/// One login succeeds, the next does not.
fn once() -> ScriptedSource {
    ScriptedSource::open().script([Ok(token("t1")), Err(AuthError::unavailable("out to lunch"))])
}

/// B2: dropped in the middle of the second upload, both attempts end in errors and the body is gone,
/// with the client alive.
#[tokio::test]
async fn a_request_dropped_during_the_retry_leaves_nothing_open() {
    for protocol in Protocol::BOTH {
        let (server, client) = connected(protocol, ServerBehavior::early(RestOfBody::Reads)).await;
        let (upload, sent) = server.upload_from(&client);
        upload.data("one");
        server.until(|log| has_got(log, 1, b"one")).await;
        sent.cancel().await;
        upload.is_dropped().await;
        server.has_seen(&[End::Broken; 2]).await;
        server.is_left_alone_by(client).await;
    }
}
