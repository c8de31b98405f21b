// error: `?` couldn't convert the error to `...AuthError`

use tower_bearer::{AuthError, Origins, Token, TokenRequest, TokenSource};

pub struct FromFile;

impl TokenSource for FromFile {
    fn origins(&self) -> Origins {
        Origins::any()
    }

    async fn fetch(&self, _request: TokenRequest) -> Result<Token, AuthError> {
        Ok(Token::new(std::fs::read_to_string("token")?)?)
    }
}
