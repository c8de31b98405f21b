//! A refusal that comes while the request is still being uploaded.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;

use super::behavior::{Protocol, RestOfBody, ServerBehavior};
use super::client::{in_time, send, upload};
use super::log::{End, has_got};
use super::server::{connected, connected_by};
use crate::support::{Body, ScriptedSource};

const LIMIT: usize = 64 * 1024;

/// B2: an early refusal while a slow upload goes on and the server reads on: the second attempt
/// has all the bytes, sent before the refusal, during the login and during the retry. The first one
/// ends in an error at the server, with the client alive.
#[tokio::test]
async fn an_early_refusal_of_a_slow_upload_is_retried_whole() {
    for protocol in Protocol::BOTH {
        let desk = ScriptedSource::closed_after(1);
        let (server, client) =
            connected_by(&desk, protocol, ServerBehavior::early(RestOfBody::Reads)).await;
        let (upload, sent) = server.upload_from(&client);
        upload.data("before, ");
        server.until(|log| has_got(log, 0, b"before, ")).await;
        upload.data("during, ");
        server
            .until(|log| has_got(log, 0, b"before, during, "))
            .await;
        assert_eq!(server.log().requests.len(), 1);

        desk.let_through(1);
        server
            .until(|log| has_got(log, 1, b"before, during, "))
            .await;
        upload.data("after");
        drop(upload);
        let answer = sent.answer().await;
        assert_eq!(
            answer,
            (StatusCode::OK, Bytes::from("before, during, after"))
        );

        server.until(|log| log.requests[0].end.is_some()).await;
        {
            let log = server.log();
            assert_eq!(log.ends(), [End::Broken, End::Whole]);
            assert_eq!(log.requests[0].body, b"before, during, ");
        }
        server
            .until(|log| log.exchanges == 0 && log.connections == 1)
            .await;
        server.is_left_alone_by(client).await;
    }
}

/// B2: the same with a server that drops what it refused without reading it, as most handlers do.
/// It closes the connection (HTTP/1.1) or resets the stream (HTTP/2) while the login is under way.
#[tokio::test]
async fn a_server_that_drops_what_it_refused_gets_it_whole_from_the_retry() {
    for protocol in Protocol::BOTH {
        let desk = ScriptedSource::closed_after(1);
        let (server, client) =
            connected_by(&desk, protocol, ServerBehavior::early(RestOfBody::Drops)).await;
        let (upload, sent) = server.upload_from(&client);
        desk.has_begun(2).await;
        server.until(|log| log.exchanges == 0).await;
        upload.data("during, ");
        desk.let_through(1);
        server.until(|log| has_got(log, 1, b"during, ")).await;
        upload.data("after");
        drop(upload);
        let answer = sent.answer().await;
        assert_eq!(answer, (StatusCode::OK, Bytes::from("during, after")));
        assert_eq!(server.log().ends(), [End::Dropped, End::Whole]);
        server.is_left_alone_by(client).await;
    }
}

/// B2: the same with a server that reads no further. The retry does not wait for it, and has all the
/// bytes. As soon as the server reads on it gets the abandoned attempt's error; if it drops the
/// request instead, that is the end of it too; both with the client alive.
///
/// hyper learns that an abandoned body has ended when it polls it, and it polls no body while 16
/// frames wait for room in the socket (HTTP/1.1) or a frame waits for room in the window of its
/// stream (HTTP/2). So of the two uploads here, the one large frame is given up at once, with its
/// connection or its stream. The many small frames stay with hyper until the server reads, drops
/// or closes, even if the client is dropped before; the caller's body does not stay with them.
#[tokio::test]
async fn a_server_that_reads_no_further_does_not_hold_up_the_retry() {
    for protocol in Protocol::BOTH {
        for (frames, size) in [(1, 48 * 1024), (48, 1024)] {
            for end in [End::Broken, End::Dropped] {
                let (server, client) =
                    connected(protocol, ServerBehavior::early(RestOfBody::Holds)).await;
                server.is_known_to(&client).await;
                let (upload, sent) = server.upload_from(&client);
                let frame = |number: u8| vec![number; size];
                for number in 0..frames {
                    upload.data(frame(number));
                }
                server.until(|log| log.requests.len() == 2).await;
                upload.data("the end");
                let mut whole = (0..frames).flat_map(frame).collect::<Vec<_>>();
                whole.extend(b"the end");
                server.until(|log| has_got(log, 1, &whole)).await;
                drop(upload);
                let (status, echo) = sent.answer().await;
                assert_eq!(status, StatusCode::OK);
                assert!(echo == whole);
                assert_eq!(server.log().requests[0].end, None);

                match end {
                    End::Dropped => server.let_go(),
                    _ => server.read_on(),
                }
                server.has_seen(&[end, End::Whole]).await;
                assert!(whole.starts_with(&server.log().requests[0].body));
                server.until(|log| log.connections == 1).await;
                server.is_left_alone_by(client).await;
            }
        }
    }
}

/// B2: a bidirectional stream that is refused at its start, before any frame, is a stream after the
/// retry: each frame is answered before the next one is sent. The refused one ends in an error,
/// with the client alive and the stream still open.
#[tokio::test]
async fn a_bidirectional_stream_refused_at_its_start_is_a_stream_after_the_retry() {
    for protocol in Protocol::BOTH {
        let behavior = ServerBehavior {
            echoes_frames: true,
            ..ServerBehavior::early(RestOfBody::Reads)
        };
        let (server, client) = connected(protocol, behavior).await;
        let (upload, body) = upload();
        let mut response = send(&client, server.post(body)).response().await;
        assert_eq!(response.status(), StatusCode::OK);
        for data in ["one", "two", "three"] {
            upload.data(data);
            let echo = in_time(response.frame()).await.unwrap().unwrap();
            assert_eq!(echo.into_data().unwrap(), data);
        }
        server
            .until(|log| log.requests[0].end.is_some() && log.exchanges == 1)
            .await;
        {
            let log = server.log();
            assert_eq!(log.requests.len(), 2);
            assert_eq!(log.requests[0].end, Some(End::Broken));
            assert_eq!(log.requests[0].body, b"");
            assert_eq!(log.requests[1].end, None);
        }
        drop(upload);
        let rest = in_time(response.collect()).await.unwrap().to_bytes();
        assert_eq!(rest, "");
        server
            .until(|log| log.exchanges == 0 && log.connections == 1)
            .await;
        server.is_left_alone_by(client).await;
    }
}

/// B1: an upload over the limit is not retried: the caller gets the 401 and the upload goes on
/// undisturbed. The session renews for the next request.
#[tokio::test]
async fn an_upload_over_the_limit_goes_on_and_its_refusal_is_the_answer() {
    for protocol in Protocol::BOTH {
        let behavior = ServerBehavior {
            reads_first: LIMIT + 1,
            ..ServerBehavior::early(RestOfBody::Reads)
        };
        let (server, client) = connected(protocol, behavior).await;
        let (upload, sent) = server.upload_from(&client);
        upload.data(vec![1; LIMIT]);
        upload.data(vec![2; 1]);
        let response = sent.response().await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let refusal = in_time(response.collect()).await.unwrap().to_bytes();
        assert_eq!(refusal, "who are you?");

        upload.data(vec![3; LIMIT]);
        drop(upload);
        server.until(|log| log.requests[0].end.is_some()).await;
        {
            let log = server.log();
            assert_eq!(log.ends(), [End::Whole]);
            let whole = [vec![1; LIMIT], vec![2; 1], vec![3; LIMIT]].concat();
            assert!(log.requests[0].body == whole);
        }
        let next = send(&client, server.post(Body::from("next")));
        assert_eq!(next.answer().await, (StatusCode::OK, Bytes::from("next")));
        assert_eq!(server.log().requests[1].token, "Bearer t2");
        server.is_left_alone_by(client).await;
    }
}

/// B1, B2: an upload of just the limit is retried.
#[tokio::test]
async fn an_upload_of_just_the_limit_is_retried() {
    for protocol in Protocol::BOTH {
        let behavior = ServerBehavior {
            reads_first: LIMIT,
            ..ServerBehavior::early(RestOfBody::Reads)
        };
        let (server, client) = connected(protocol, behavior).await;
        let (upload, sent) = server.upload_from(&client);
        upload.data(vec![1; LIMIT]);
        server.until(|log| log.requests.len() == 2).await;
        upload.data(vec![2; LIMIT]);
        drop(upload);
        let (status, echo) = sent.answer().await;
        assert_eq!(status, StatusCode::OK);
        assert!(echo == [vec![1; LIMIT], vec![2; LIMIT]].concat());
        server
            .until(|log| log.requests[0].end == Some(End::Broken))
            .await;
        server.is_left_alone_by(client).await;
    }
}
