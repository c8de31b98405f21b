// error: the trait `...TokenSource` is not dyn compatible

use tower_bearer::TokenSource;

pub struct Client {
    pub login: Box<dyn TokenSource>,
}
