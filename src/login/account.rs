//! Which account a built-in login is for, so that the processes of a fleet that log in to the same
//! one find each other.

use zeroize::Zeroizing;

use crate::login::fields::Fields;
use crate::login::url::Endpoint;
use crate::source::Account;

/// Of everything that distinguishes one account from another. `kind` and `shown` hold no secret.
/// The secret fields are its credential, with further `secrets`.
pub(super) fn account<'a>(
    kind: &str,
    endpoint: &Endpoint,
    shown: impl IntoIterator<Item = (&'a str, &'a str)>,
    fields: &'a Fields,
    secrets: impl IntoIterator<Item = &'a str>,
) -> Account {
    let mut id = format!("{kind} {endpoint}");
    for (name, value) in shown.into_iter().chain(fields.shown()) {
        // As they are quoted, no two lists are the same text.
        id += &format!(" {name:?}={value:?}");
    }
    let secrets: Vec<_> = fields.secrets().into_iter().chain(secrets).collect();
    let account = Account::new(id).credential(joined(&secrets).as_str());
    // A query may hold a key.
    account.hidden(endpoint.query().unwrap_or_default())
}

/// No two lists are the same text.
pub(super) fn joined(secrets: &[&str]) -> Zeroizing<String> {
    let lengths = secrets.iter().map(|secret| secret.len() + 24).sum();
    // A buffer that grew would leave an unwiped copy behind.
    let mut joined = Zeroizing::new(String::with_capacity(lengths));
    for secret in secrets {
        joined.push_str(&secret.len().to_string());
        joined.push(' ');
        joined.push_str(secret);
    }
    joined
}
