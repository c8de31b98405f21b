//! How an `AuthError` is found in what a stack of layers makes of it.

use std::error::Error;
use std::fmt;
use std::io;

use http::Response;
use tower::BoxError;
use tower_bearer::AuthError;

/// An error of a user's, as `thiserror` derives one.
#[derive(Debug)]
enum Failure {
    Auth(AuthError),
    Other(BoxError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it failed")
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Failure::Auth(error) => Some(error),
            Failure::Other(error) => Some(&**error),
        }
    }
}

/// T4: an error is found in itself, in a box, and in whatever was caused by it.
#[test]
fn an_auth_error_is_found_in_what_it_caused() {
    let rejected = || AuthError::rejected("wrong password");
    let errors: [BoxError; 7] = [
        Box::new(rejected()),
        Box::new(Failure::Auth(rejected())),
        Box::new(Failure::Other(rejected().into())),
        Box::new(Failure::Other(Failure::Auth(rejected()).into())),
        Box::new(io::Error::other(rejected())),
        Box::new(io::Error::other(Failure::Other(
            io::Error::other(rejected()).into(),
        ))),
        Box::new(tonic::Status::from_error(rejected().into())),
    ];
    for error in errors {
        let found = AuthError::find(&*error).unwrap();
        assert!(found.is_rejected(), "{error:?}");
    }
}

/// T4: where there is none, none is found.
#[test]
fn no_auth_error_is_found_where_there_is_none() {
    let errors: [BoxError; 4] = [
        "wrong".into(),
        Box::new(io::Error::other("wrong")),
        Box::new(io::Error::from(io::ErrorKind::NotFound)),
        Box::new(Failure::Other("wrong".into())),
    ];
    for error in errors {
        assert!(AuthError::find(&*error).is_none(), "{error:?}");
    }
}

/// R4: the error of a response is found in its extensions.
#[test]
fn an_auth_error_is_found_in_a_response() {
    let mut response = Response::new("any body");
    assert!(AuthError::of(&response).is_none());
    let error = AuthError::unavailable("down");
    response.extensions_mut().insert(error);
    assert!(AuthError::of(&response).unwrap().is_unavailable());
}
