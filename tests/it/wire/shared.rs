//! Many requests at once.

use bytes::Bytes;
use futures::future::join_all;
use http::StatusCode;
use http_body_util::Full;

use super::behavior::{Protocol, RestOfBody, ServerBehavior};
use super::client::send;
use super::log::End;
use super::server::{connected, connected_by};
use crate::support::ScriptedSource;

/// T2, R2: 64 requests at once with a revoked token make one login; each gets its own answer, and no
/// connection is left.
#[tokio::test]
async fn many_requests_with_a_revoked_token_make_one_login() {
    for protocol in Protocol::BOTH {
        let desk = ScriptedSource::open();
        let (server, client) = connected_by(&desk, protocol, ServerBehavior::PATIENT).await;
        client.session().token().await.unwrap();
        assert_eq!(desk.logins(), 1);

        let bodies: Vec<_> = (0..64)
            .map(|number| Bytes::from(format!("{number}")))
            .collect();
        let sent: Vec<_> = bodies
            .iter()
            .map(|body| send(&client, server.post(Full::new(body.clone()))))
            .collect();
        let answers = join_all(sent.into_iter().map(|sent| sent.answer())).await;
        assert_eq!(desk.logins(), 2);
        for (body, answer) in bodies.into_iter().zip(answers) {
            assert_eq!(answer, (StatusCode::OK, body));
        }
        server.is_left_alone_by(client).await;
    }
}

/// B2: 64 uploads at once, refused anywhere from their start to their end, with client and server on
/// several threads: each is answered with its own bytes, and what reached the server in part never
/// looks complete.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_uploads_refused_anywhere_arrive_whole() {
    for protocol in Protocol::BOTH {
        let (server, client) = connected(protocol, ServerBehavior::early(RestOfBody::Reads)).await;
        client.session().token().await.unwrap();
        let uploads = (1..=64).map(|number| {
            let (upload, sent) = server.upload_from(&client);
            tokio::spawn(async move {
                let mut whole = String::new();
                for part in 0..number {
                    let data = format!("{part} of {number}, ");
                    whole.push_str(&data);
                    upload.data(data);
                    tokio::task::yield_now().await;
                }
                drop(upload);
                assert_eq!(sent.answer().await, (StatusCode::OK, whole.clone().into()));
                whole
            })
        });
        let uploads = join_all(uploads).await;
        let whole: Vec<_> = uploads
            .into_iter()
            .map(|upload| upload.unwrap().into_bytes())
            .collect();
        server.is_left_alone_by(client).await;
        for request in &server.log().requests {
            let is_whole = whole.contains(&request.body);
            assert!(request.end == Some(End::Broken) || is_whole, "{request:#?}");
        }
    }
}
