//! The fields of a login, which of them are secret, and in which order they are sent.

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
