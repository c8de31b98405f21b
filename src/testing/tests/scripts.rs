use super::*;

#[tokio::test]
async fn scripted_logins_come_in_order_and_then_the_usual_answer() {
    let api = api();
    let odd = Response::builder()
        .status(200)
        .header("x-odd", "1")
        .body("<html>")
        .unwrap();
    api.script_login(Answer::unavailable(7));
    api.script_login(odd);
    api.script_login(Answer::Usual);
    api.script_login(Answer::Refuse);
    api.script_login(StatusCode::UNAUTHORIZED);
    api.script_login(Answer::TransportError(io::ErrorKind::ConnectionReset));

    let unavailable = log_in_json(&api, NAME, PASSWORD).await;
    assert_eq!(
        (unavailable.status, unavailable.header("retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, "7")
    );
    let odd = log_in_json(&api, NAME, PASSWORD).await;
    assert_eq!(
        (odd.status, odd.header("x-odd"), &odd.body[..]),
        (StatusCode::OK, "1", &b"<html>"[..])
    );
    assert_eq!(log_in_json(&api, NAME, PASSWORD).await.status, 200);
    let refused = log_in_json(&api, NAME, PASSWORD).await;
    assert_eq!(
        (refused.status, refused.json()["message"].clone()),
        (StatusCode::UNAUTHORIZED, json!("Invalid email or password"))
    );
    let bare = log_in_json(&api, NAME, PASSWORD).await;
    assert_eq!(
        (bare.status, bare.body.len()),
        (StatusCode::UNAUTHORIZED, 0)
    );
    let error = try_send(&api, post("/auth/login", FORM), String::new())
        .await
        .unwrap_err();
    assert_eq!(
        error.downcast_ref::<io::Error>().unwrap().kind(),
        io::ErrorKind::ConnectionReset
    );
    assert_eq!(log_in_form(&api, NAME, PASSWORD).await.status, 200);

    let expected = Counts {
        logins: 7,
        logins_ok: 2,
        logins_rejected: 2,
        logins_failed: 3,
        peak_logins: 1,
        tokens_issued: 2,
        ..Counts::default()
    };
    assert_eq!(api.counts(), expected);
}

#[tokio::test]
async fn scripted_requests_come_in_order_and_take_nothing_from_logins() {
    let api = api();
    api.script_request(Answer::Usual);
    api.script_request(Answer::Refuse);
    api.script_request(StatusCode::FORBIDDEN);
    api.script_request(Response::builder().status(401).body(&b"no"[..]).unwrap());
    api.script_request(Answer::TransportError(io::ErrorKind::BrokenPipe));
    let token = log_in_form(&api, NAME, PASSWORD).await.token();

    assert_eq!(me(&api, &token).await.status, 200);
    let refused = me(&api, &token).await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.headers[header::WWW_AUTHENTICATE],
        "Bearer error=\"invalid_token\""
    );
    assert_eq!(me(&api, &token).await.status, 403);
    assert_eq!(&me(&api, &token).await.body[..], b"no");
    let error = try_send(&api, with_token("/echo", &token), String::new())
        .await
        .unwrap_err();
    assert_eq!(
        error.downcast_ref::<io::Error>().unwrap().kind(),
        io::ErrorKind::BrokenPipe
    );
    assert_eq!(me(&api, &token).await.status, 200);

    let counts = api.counts();
    assert_eq!(
        (
            counts.requests,
            counts.accepted,
            counts.refused,
            counts.failed
        ),
        (6, 2, 2, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn a_hang_answers_never_and_ends_when_dropped() {
    let api = api();
    api.script_login(Answer::Hang);
    let login = log_in_form(&api, NAME, PASSWORD);
    assert!(timeout(Duration::from_secs(86_400), login).await.is_err());
    assert_eq!(
        api.counts(),
        Counts {
            logins: 1,
            peak_logins: 1,
            ..Counts::default()
        }
    );
    assert_eq!(log_in_form(&api, NAME, PASSWORD).await.status, 200);
    assert_eq!(
        api.counts().peak_logins,
        1,
        "the dropped login is no longer under way"
    );
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_keeps_its_place_in_the_script() {
    let api = api();
    let token = log_in_form(&api, NAME, PASSWORD).await.token();
    api.script_request(
        Answer::Refuse
            .after(Duration::from_secs(2))
            .after(Duration::from_secs(3)),
    );
    let begun = Instant::now();
    let (late, at_once) = tokio::join!(me(&api, &token), me(&api, &token));
    assert_eq!(
        (late.status, at_once.status),
        (StatusCode::UNAUTHORIZED, StatusCode::OK)
    );
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn delays_are_told_by_the_paused_clock() {
    let api = api().token_lifetime(Duration::from_secs(10));
    api.login_delay(Duration::from_secs(4));
    let begun = Instant::now();
    let token = log_in_form(&api, NAME, PASSWORD).await.token();
    assert_eq!(begun.elapsed(), Duration::from_secs(4));
    api.request_delay(Duration::from_millis(9_999));
    assert_eq!(
        me(&api, &token).await.status,
        200,
        "its life began when the login was answered"
    );
    api.request_delay(Duration::from_millis(1));
    assert_eq!(me(&api, &token).await.status, 401, "judged after the delay");
}
