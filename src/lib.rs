//! A tower layer that logs in lazily, shares the bearer token, and renews it on a 401.
