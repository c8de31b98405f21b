use super::*;

#[tokio::test]
async fn a_refusal_comes_after_the_body_unless_told_otherwise() {
    let api = api();
    let body = script([Step::Data(Bytes::from("ab")), Step::Data(Bytes::from("cd"))]);
    let polls = Arc::clone(&body.log);
    assert_eq!(
        send(&api, with_token("/echo", "never-issued"), body)
            .await
            .status,
        401
    );
    assert_eq!(polls.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn an_early_refusal_leaves_the_body_unread() {
    let api = api();
    api.refuse_early(true);
    let token = log_in_form(&api, NAME, PASSWORD).await.token();
    api.script_request(Answer::Usual);
    api.script_request(Answer::Refuse);
    api.script_request(Answer::unavailable(1));
    for (token, status) in [("never-issued", 401), (&token, 401), (&token, 503)] {
        let body = script([Step::Data(Bytes::from("ab"))]);
        let polls = Arc::clone(&body.log);
        assert_eq!(
            send(&api, with_token("/echo", token), body).await.status,
            status
        );
        assert_eq!(polls.load(Ordering::Relaxed), 0);
    }
    assert_eq!(&echo(&api, &token, "read").await.body[..], b"read");
}

#[tokio::test]
async fn a_body_that_fails_is_a_transport_error() {
    let api = api();
    for request in [Request::post("/echo"), post("/auth/login", FORM)] {
        let body = Full::new(Bytes::from("x"))
            .map_err(|never| match never {})
            .with_trailers(async {
                Some(Err::<HeaderMap, _>(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "gone",
                )))
            });
        let error = try_send(&api, request, body).await.unwrap_err();
        assert_eq!(
            error.downcast_ref::<io::Error>().unwrap().kind(),
            io::ErrorKind::UnexpectedEof
        );
    }
    assert_eq!((api.counts().failed, api.counts().logins_failed), (1, 1));
}
