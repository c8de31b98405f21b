//! The fields of a login, which of them are secret, and in which order they are sent.

use std::error::Error;
use std::fmt;

use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::login::made::Made;

#[derive(Clone)]
pub(super) struct Fields {
    fields: Vec<Field>,
    /// What the login sets itself.
    reserved: &'static [&'static str],
    /// Whether a name may come more than once.
    repeats: bool,
}

#[derive(Clone)]
struct Field {
    name: String,
    value: Value,
    secret: bool,
}

#[derive(Clone)]
enum Value {
    /// Wiped when dropped, secret or not.
    Text(Zeroizing<String>),
    Made(Made),
}

/// The error for a field that the login sets itself, that has its own setter, or that a
/// [`Json`](crate::login::Json) has already.
///
/// No parameter of OAuth may be sent twice ([RFC 6749, section 3.2]), because it is unclear which
/// one a server would use. Other fields of a form may, such as `resource`.
///
/// ```
/// use tower_bearer::login::Form;
///
/// # let client = tower::service_fn(async |_: http::Request<http_body_util::Full<bytes::Bytes>>| Ok::<_, tower::BoxError>(http::Response::new(String::new())));
/// let login = Form::new(client, "https://api.example.com", "me", "secret").unwrap();
/// let error = login.field("username", "you").unwrap_err();
/// assert_eq!(error.to_string(), "the login sets the field username itself");
/// ```
///
/// [RFC 6749, section 3.2]: https://www.rfc-editor.org/rfc/rfc6749#section-3.2
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservedField {
    name: String,
    is_own: bool,
}

impl Fields {
    /// None yet. The user may add others than these names, and those more than once.
    pub(super) fn of_form(reserved: &'static [&'static str]) -> Self {
        Self {
            fields: Vec::new(),
            reserved,
            repeats: true,
        }
    }

    /// None yet. An object has each name once.
    pub(super) fn of_json() -> Self {
        Self {
            fields: Vec::new(),
            reserved: &[],
            repeats: false,
        }
    }

    /// A field of the user's, after those that are there. Its value may be shown if the server
    /// repeats it.
    pub(super) fn add(
        &mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<(), ReservedField> {
        let name = self.free(name.into())?;
        self.push(name, value.into(), false);
        Ok(())
    }

    /// As [`add`](Self::add), but its value is never shown.
    pub(super) fn add_secret(
        &mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<(), ReservedField> {
        let name = self.free(name.into())?;
        self.push(name, value.into(), true);
        Ok(())
    }

    /// As [`add_secret`](Self::add_secret), but its value is made for each login.
    pub(super) fn add_made(
        &mut self,
        name: impl Into<String>,
        value: Made,
    ) -> Result<(), ReservedField> {
        let name = self.free(name.into())?;
        self.fields.push(Field {
            name,
            value: Value::Made(value),
            secret: true,
        });
        Ok(())
    }

    /// The same with all values made, for one login.
    pub(super) async fn made(&self) -> Result<Self, AuthError> {
        let mut made = self.clone();
        for field in &mut made.fields {
            if let Value::Made(value) = &field.value {
                field.value = Value::Text(value.text().await?);
            }
        }
        Ok(made)
    }

    /// A field of the login's own, in the place of the one of that name.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.push(name.to_owned(), value.into(), false);
    }

    /// As [`set`](Self::set), but its value is never shown.
    pub(super) fn set_secret(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.push(name.to_owned(), value.into(), true);
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
            self.set("scope", list);
        }
    }

    fn remove(&mut self, name: &str) {
        self.fields.retain(|field| field.name != name);
    }

    /// Without those that are not [made](Self::made) yet.
    pub(super) fn pairs(&self) -> Vec<(&str, &str)> {
        self.fields.iter().filter_map(Field::pair).collect()
    }

    /// Those that are no secret.
    pub(super) fn shown(&self) -> impl Iterator<Item = (&str, &str)> {
        let shown = self.fields.iter().filter(|field| !field.secret);
        shown.filter_map(Field::pair)
    }

    pub(super) fn secrets(&self) -> Vec<&str> {
        let secret = self.fields.iter().filter(|field| field.secret);
        secret
            .filter_map(Field::pair)
            .map(|(_, value)| value)
            .collect()
    }

    fn free(&self, name: String) -> Result<String, ReservedField> {
        let is_own = self.reserved.contains(&name.as_str());
        let is_set = || self.fields.iter().any(|field| field.name == name);
        if is_own || (!self.repeats && is_set()) {
            return Err(ReservedField { name, is_own });
        }
        Ok(name)
    }

    fn push(&mut self, name: String, value: String, secret: bool) {
        let value = Value::Text(Zeroizing::new(value));
        self.fields.push(Field {
            name,
            value,
            secret,
        });
    }
}

impl Field {
    fn pair(&self) -> Option<(&str, &str)> {
        match &self.value {
            Value::Text(value) => Some((&self.name, value)),
            Value::Made(_) => None,
        }
    }
}

impl fmt::Display for ReservedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_own {
            write!(f, "the login sets the field {} itself", self.name)
        } else {
            write!(f, "the field {} is already set", self.name)
        }
    }
}

impl Error for ReservedField {}
