use base64::Engine;
use base64::prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};

use crate::Token;
use crate::login::jwt_lifetime;

/// Any text as a token, and any bytes as the payload of one.
pub fn jwt(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(lifetime) = jwt_lifetime(&text) {
        assert!(!lifetime.is_zero());
        assert_eq!(text.matches('.').count(), 2);
        if let Ok(token) = Token::new(&text) {
            assert_eq!(token.expires_in(lifetime).lifetime(), Some(lifetime));
        }
    }

    let lifetime = jwt_lifetime(&format!("h.{}.s", BASE64_URL_SAFE_NO_PAD.encode(data)));
    let padded = jwt_lifetime(&format!("h.{}.s", BASE64_URL_SAFE.encode(data)));
    assert_eq!(lifetime, padded);
    if let Some(lifetime) = lifetime {
        assert!(!lifetime.is_zero());
        let claims: serde_json::Value = serde_json::from_slice(data).unwrap();
        assert!(claims["exp"].as_f64().unwrap() > claims["iat"].as_f64().unwrap());
    }
}
