#![allow(clippy::unwrap_used)]

use super::*;

fn grpc_status(code: Option<&str>) -> HeaderMap {
    let code = code.map(|code| (GRPC_STATUS.clone(), code.parse().unwrap()));
    code.into_iter().collect()
}

/// R1, R6: the token was accepted where the request itself was answered, also by a 403 or by a 401
/// that is no refusal. A server error, and what a gateway may answer by itself, proves nothing.
#[test]
fn only_an_answer_to_the_request_proves_that_its_token_was_accepted() {
    for (status, code, proves) in [
        (200, None, true),
        (204, None, true),
        (302, None, true),
        (304, None, true),
        (401, None, true),
        (403, None, true),
        (400, None, false),
        (404, None, false),
        (429, None, false),
        (500, None, false),
        (503, None, false),
        (200, Some("0"), true),
        (200, Some("14"), false),
        (200, Some("16"), false),
        (403, Some("0"), true),
        (403, Some("7"), false),
        (404, Some("0"), false),
        (500, Some("0"), false),
    ] {
        let headers = grpc_status(code);
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(is_acceptance(status, &headers), proves, "{status} {code:?}");
    }
}
