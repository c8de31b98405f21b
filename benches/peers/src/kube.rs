//! `kube-client`: the tower layer that its `Config` makes of the user's credentials, here a token in a file, as within a
//! cluster.
//!
//! The file is read again once a minute (other credentials run a program, shortly before their token expires), by one
//! request at a time. It does not look at responses: a 401 is the caller's. A header that is there is replaced. There
//! is no scope. The future is boxed, and the header formatted for each request. The layer comes out of a `Config` only,
//! but wraps any service that is `Clone`.
//!
//! What is timed: the response future of the layered service. The file is gone by then: kube-client goes on with the
//! token that it read last, and tries again every 50 seconds. In a storm there is no new token in the file.

use std::io::Write;

use kube_client::Config;
use kube_client::client::ConfigExt;
use tower::{BoxError, Layer};

use crate::api::Inner;
use crate::client::{ORIGIN, Stack};
use crate::peer::{About, Login, Peer};

pub async fn peer() -> Peer {
    let about = About {
        name: "kube-client, token file",
        package: "kube-client",
        login: Login::InProcess,
        retries: false,
    };
    Peer::new(about, async |api| {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(api.token().as_bytes())
            .expect("it is writable");
        let mut config = Config::new(ORIGIN.parse().expect("a URI"));
        config.auth_info.token_file = Some(file.path().to_str().expect("UTF-8").to_owned());
        let layer = config
            .auth_layer()
            .expect("the file is there")
            .expect("it has a token");
        Stack(layer.layer(Inner::<BoxError>::new(api)))
    })
    .await
}
