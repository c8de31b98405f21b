//! [`Peer`]: a row of the tables.

use crate::api::{Api, Scenario};
use crate::bench::{Bench, Of};
use crate::client::Client;

/// What is known of a peer.
#[derive(Clone, Copy)]
pub struct About {
    /// What the row is called.
    pub name: &'static str,
    /// The package of which the version is told. Empty for what is written here.
    pub package: &'static str,
    /// How a token is got.
    pub login: Login,
    /// Whether a refused request is sent again with a new token.
    pub retries: bool,
}

/// How a token is got.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// Requests go without a token.
    None,
    /// The token is given once and for all.
    Given,
    /// By a call of a function.
    InProcess,
    /// By a request to 127.0.0.1, through the HTTP client that comes with the peer.
    Loopback,
}

impl Login {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Given => "given",
            Self::InProcess => "in process",
            Self::Loopback => "loopback",
        }
    }
}

/// A peer, ready to be measured: a client of its own for each scenario.
pub struct Peer {
    pub about: About,
    pub accepted: Box<dyn Bench>,
    pub refused_once: Option<Box<dyn Bench>>,
    pub storm: Box<dyn Bench>,
}

impl Peer {
    /// `client` makes a client of an API's.
    pub async fn new<C: Client>(about: About, client: impl AsyncFn(&'static Api) -> C) -> Self {
        let bench = async |scenario| {
            let api = Api::leak(scenario);
            Box::new(Of {
                client: client(api).await,
                api,
            })
        };
        let mut refused_once: Option<Box<dyn Bench>> = None;
        if about.retries {
            refused_once = Some(bench(Scenario::RefusedOnce).await);
        }
        Self {
            about,
            accepted: bench(Scenario::Accepted).await,
            refused_once,
            storm: bench(Scenario::Storm).await,
        }
    }
}
