//! [`setters`]: the setters of fields, which several logins have.

/// Gives the setters of these names their bodies, for a login with `fields`.
macro_rules! setters {
    ($($(#[$docs:meta])* pub fn $setter:ident;)+) => {
        $(setters!(@$setter $(#[$docs])*);)+
    };
    (@field $(#[$docs:meta])*) => {
        $(#[$docs])*
        pub fn field(
            mut self,
            name: impl Into<String>,
            value: impl Into<String>,
        ) -> Result<Self, $crate::login::ReservedField> {
            self.fields.add(name, value)?;
            Ok(self)
        }
    };
    (@secret_field $(#[$docs:meta])*) => {
        $(#[$docs])*
        pub fn secret_field(
            mut self,
            name: impl Into<String>,
            value: impl Into<String>,
        ) -> Result<Self, $crate::login::ReservedField> {
            self.fields.add_secret(name, value)?;
            Ok(self)
        }
    };
    (@field_from $(#[$docs:meta])*) => {
        $(#[$docs])*
        pub fn field_from<F, Fut>(
            mut self,
            name: impl Into<String>,
            value: F,
        ) -> Result<Self, $crate::login::ReservedField>
        where
            F: Fn() -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<String, tower::BoxError>> + Send + 'static,
        {
            self.fields.add_made(name, $crate::login::made::Made::new(value))?;
            Ok(self)
        }
    };
}

pub(in crate::login) use setters;
