//! What is left of a `grpc-timeout` for the retry.

use std::time::Duration;

use http::StatusCode;
use tokio::time::{Instant, sleep};
use tower::{Layer, ServiceExt};
use tower_bearer::{BearerAuthLayer, OnFailedRenewal};

use super::{Timed, assert_ran_out, call};
use crate::support::{ScriptedSource, auth_error, explanation, token};

/// W5: what the wait for the first login took is taken off, and so is the rest for the retry.
#[tokio::test(start_paused = true)]
async fn each_attempt_is_sent_with_what_is_left_of_the_grpc_timeout() {
    let source = ScriptedSource::closed();
    let server = Timed::taking(Duration::from_millis(50)).accepting("t2");
    let client = BearerAuthLayer::new(source.clone()).layer(server.service());
    for millis in [100, 300] {
        let source = source.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(millis)).await;
            source.let_through(1);
        });
    }

    let response = client.clone().oneshot(call("1S")).await.unwrap();

    assert_eq!(response.status(), 200);
    let seen = [("Bearer t1", "900m"), ("Bearer t2", "700m")];
    assert_eq!(
        server.seen(),
        seen.map(|it| (it.0.to_owned(), it.1.to_owned()))
    );
}

/// W5: also where the first attempt went out at once, and where the retry does without a login.
#[tokio::test(start_paused = true)]
async fn the_retry_is_sent_with_what_is_left_of_the_grpc_timeout() {
    let source = ScriptedSource::open();
    let server = Timed::taking(Duration::from_millis(50));
    let client = BearerAuthLayer::new(source.clone()).layer(server.service());
    client.clone().oneshot(call("1S")).await.unwrap();
    let server = server.accepting("t2");

    let both = || client.clone().oneshot(call("300m"));
    let (one, two) = tokio::join!(both(), both());

    assert_eq!(
        (one.unwrap().status(), two.unwrap().status()),
        (StatusCode::OK, StatusCode::OK)
    );
    let timeouts: Vec<_> = server.seen().into_iter().map(|(_, it)| it).collect();
    assert_eq!(timeouts, ["1S", "300m", "300m", "250m", "250m"]);
    assert_eq!(source.logins(), 2);
}

/// W5: after a refusal the caller gets the refused response, or the error, when the time is over.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_hangs_is_waited_for_until_the_grpc_timeout() {
    for (takes, ends) in [(100, 300), (300, 300), (400, 400)] {
        for choice in [OnFailedRenewal::ReturnResponse, OnFailedRenewal::Error] {
            let source = ScriptedSource::closed_after(1);
            let server = Timed::taking(Duration::from_millis(takes)).accepting("t2");
            let layer = BearerAuthLayer::new(source.clone()).on_failed_renewal(choice);
            layer.session().token().await.unwrap();
            let client = layer.layer(server.service());

            let start = Instant::now();
            let result = client.clone().oneshot(call("300m")).await;

            assert_eq!(start.elapsed(), Duration::from_millis(ends));
            match result {
                Ok(response) => {
                    assert_eq!(choice, OnFailedRenewal::ReturnResponse);
                    assert_eq!(response.status(), 401);
                    assert_ran_out(explanation(&response).unwrap());
                }
                Err(error) => {
                    assert_eq!(choice, OnFailedRenewal::Error);
                    assert_ran_out(&auth_error(error));
                }
            }
            // The refusal was heard: one login is under way, which the next request waits for.
            source.let_through(1);
            let response = client.oneshot(call("5S")).await.unwrap();
            assert_eq!((response.status().as_u16(), source.logins()), (200, 2));
            assert_eq!(server.seen().len(), 2);
        }
    }
}

/// W5: a token that is there at once does not help either when nothing is left.
#[tokio::test(start_paused = true)]
async fn nothing_is_sent_when_nothing_is_left_of_the_grpc_timeout() {
    let source = ScriptedSource::open();
    let server = Timed::taking(Duration::from_millis(300)).accepting("t2");
    let layer = BearerAuthLayer::new(source.clone());
    layer.session().token().await.unwrap();
    let client = layer.layer(server.service());
    let slow = client.clone().oneshot(call("300m"));
    let renewed = async {
        sleep(Duration::from_millis(200)).await;
        layer.session().invalidate(&token("t1"));
        layer.session().token().await.unwrap()
    };

    let (response, renewed) = tokio::join!(slow, renewed);

    assert_eq!(renewed.expose(), "t2");
    let response = response.unwrap();
    assert_eq!(response.status(), 401);
    assert_ran_out(explanation(&response).unwrap());
    assert_eq!((server.seen().len(), source.logins()), (1, 2));
}
