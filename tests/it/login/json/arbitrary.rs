//! Any JSON and any pointers.

use proptest::prelude::*;
use serde_json::Value;
use tower_bearer::login::Json;
use tower_bearer::{TokenRequest, TokenSource};

use super::{LIFETIMES, json_login};
use crate::login::{PASSWORD, answer, answering};

/// Names and values that meet each other, and the pointers below.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "(hunter2|bearer|\\PC){0,4}".prop_map(Value::from),
        "[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,20})?([zZ]|[+-][0-9]{2}:[0-9]{2}|\\PC)?"
            .prop_map(Value::from),
        "[-+]?[0-9]{0,30}(\\.[0-9]{0,5})?(e[0-9]{1,4})?".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[ab]|token|error|message|detail|~|/|", inner, 0..4)
                .prop_map(Value::from_iter),
        ]
    })
}

fn pointer() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "(/([ab]|token|error|~0|~1|[0-3]|-|))?(/([ab]|token|error|~0|~1|[0-3]|-|)){0,3}",
        1 => "\\PC{0,6}",
    ]
}

proptest! {
    /// D3, L4: no JSON makes the login panic or show the password, whatever the pointers.
    #[test]
    fn no_answer_and_no_pointer_makes_it_panic(
        status in prop_oneof![3 => Just(200_u16), 1 => 100_u16..1000],
        body in document(),
        token in pointer(),
        until in pointer(),
        kind in proptest::option::of(pointer()),
        unit in proptest::sample::select(&LIFETIMES[..]),
        bare in any::<bool>(),
    ) {
        let set = |login: Json| -> Option<Json> {
            let login = login.token(&token).ok()?.lifetime(&until, unit).ok()?;
            let login = match &kind {
                Some(kind) => login.token_type(kind).ok()?,
                None => login,
            };
            Some(if bare { login.no_scheme() } else { login })
        };
        let client = answering(answer(status, &body.to_string()));
        if let Some(login) = set(json_login(client)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let result = runtime.unwrap().block_on(login.fetch(TokenRequest::first()));
            match result {
                Ok(token_) => {
                    let text = body.pointer(&token).and_then(Value::as_str);
                    prop_assert_eq!(Some(token_.expose()), text);
                }
                Err(error) => {
                    let text = format!("{error} {error:?}");
                    prop_assert!(!text.contains(PASSWORD) || token.contains(PASSWORD), "{}", text);
                }
            }
        }
    }
}
