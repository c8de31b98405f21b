// error: `...` is not a source of tokens

use tower_bearer::BearerAuthLayer;
use tower_bearer::login::{Form, LoginClient};

pub fn layer(client: impl LoginClient) -> BearerAuthLayer {
    let login = Form::new(client, "https://api.example.com", "alice", "correct horse");
    BearerAuthLayer::new(login)
}
