// error: async closure does not implement `Fn` because it captures state from its environment

use tower_bearer::{BearerAuthLayer, Origins, Token, source_fn};

pub fn layer(token: String) -> BearerAuthLayer {
    let source = source_fn(Origins::any(), async move |_request| {
        Ok(Token::new(token.clone())?)
    });
    BearerAuthLayer::new(source)
}
