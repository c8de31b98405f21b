//! The fields of a login, which of them are secret, and in which order they are sent.

use std::error::Error;
use std::fmt;

use zeroize::Zeroizing;

pub(super) struct Fields {
    fields: Vec<Field>,
}

struct Field {
    name: String,
    /// Wiped when dropped, secret or not.
    value: Zeroizing<String>,
    secret: bool,
}

/// A field that a login sets by itself, or by a setter of its own.
///
/// No parameter may be sent twice ([RFC 6749, section 3.2]), and which one a server takes is
/// anybody's guess.
///
/// ```
/// use tower_bearer::login::{ClientAuth, ClientCredentials};
///
/// # let client = tower_bearer::testing::Api::new();
/// let auth = ClientAuth::new("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw");
/// let login = ClientCredentials::new(client, "https://auth.example.com/token", auth).unwrap();
/// let error = login.field("grant_type", "password").unwrap_err();
/// assert_eq!(error.to_string(), "the login sets the field grant_type itself");
/// ```
///
/// [RFC 6749, section 3.2]: https://www.rfc-editor.org/rfc/rfc6749#section-3.2
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservedField {
    name: &'static str,
}

impl Fields {
    pub(super) fn new() -> Self {
        Self { fields: Vec::new() }
    }

    /// Behind those that are there. Its value may be shown if the server repeats it.
    pub(super) fn plain(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.push(name.into(), value.into(), false);
    }

    /// Behind those that are there. Its value is never shown.
    pub(super) fn secret(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.push(name.into(), value.into(), true);
    }

    /// In the place of the one of that name.
    pub(super) fn scopes(&mut self, scopes: impl IntoIterator<Item = impl AsRef<str>>) {
        let mut list = String::new();
        for scope in scopes {
            if !list.is_empty() {
                list.push(' ');
            }
            list.push_str(scope.as_ref());
        }
        self.remove("scope");
        if !list.is_empty() {
            self.plain("scope", list);
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.fields.retain(|field| field.name != name);
    }

    pub(super) fn pairs(&self) -> Vec<(&str, &str)> {
        self.fields
            .iter()
            .map(|field| (field.name.as_str(), field.value.as_str()))
            .collect()
    }

    pub(super) fn secrets(&self) -> Vec<&str> {
        self.fields
            .iter()
            .filter(|field| field.secret)
            .map(|field| field.value.as_str())
            .collect()
    }

    fn push(&mut self, name: String, value: String, secret: bool) {
        let value = Zeroizing::new(value);
        self.fields.push(Field {
            name,
            value,
            secret,
        });
    }
}

impl ReservedField {
    /// The name, if it is none of those.
    pub(super) fn check(name: String, reserved: &[&'static str]) -> Result<String, Self> {
        match reserved.iter().find(|reserved| **reserved == name) {
            Some(name) => Err(Self { name }),
            None => Ok(name),
        }
    }
}

impl fmt::Display for ReservedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the login sets the field {} itself", self.name)
    }
}

impl Error for ReservedField {}
