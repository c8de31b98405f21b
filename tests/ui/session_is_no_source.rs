// error: `...` is not a source of tokens

use tower_bearer::{BearerAuthLayer, Session};

pub fn layer(session: Session) -> BearerAuthLayer {
    BearerAuthLayer::new(session)
}
