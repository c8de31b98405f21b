//! S1: where the tokens of a login may go.

use tower_bearer::login::{Json, Refresh};
use tower_bearer::{Origins, TokenSource};

use super::token_endpoint::URL;
use super::{datafiniti, form, unused};

/// S1: a login with a password has the origin that it logs in at, unless it is given others; a URL
/// that is set later does not take them back.
#[test]
fn a_password_login_can_be_given_origins() {
    let only = |origin| Origins::only(origin).unwrap();
    let api = only("https://api.test");
    let json = Json::new(unused(), "https://auth.test/login").unwrap();
    assert_eq!(json.origins(), only("https://auth.test"));
    assert_eq!(json.token_origins(api.clone()).origins(), api);

    let form = form(unused()).token_origins(api.clone());
    assert_eq!(form.path("/token").unwrap().origins(), api);

    let login = datafiniti(unused()).token_origins(api.clone());
    let login = login.base_url("https://proxy.test").unwrap();
    assert_eq!(login.origins(), api);
    // What is built around a login takes them from it.
    let refresh = Refresh::new(unused(), URL, login).unwrap();
    assert_eq!(refresh.origins(), api);
}
