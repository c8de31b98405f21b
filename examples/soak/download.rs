//! The body of a request, as the server gets it: every byte is checked when it comes.

use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::content::{Claim, SUM, Sum};
use crate::tally::Live;

pub(crate) struct Download {
    body: Incoming,
    claim: Claim,
    at: usize,
    sum: Sum,
    trailers: Option<HeaderMap>,
    _live: Live,
}

/// Why there is no more of it.
pub(crate) enum Broken {
    /// The connection or the stream ended in an error: the caller's right.
    Lost,
    /// This must never be.
    Wrong(String),
}

impl Download {
    pub(crate) fn new(body: Incoming, claim: Claim, live: Live) -> Self {
        Self {
            body,
            claim,
            at: 0,
            sum: Sum::default(),
            trailers: None,
            _live: live,
        }
    }

    /// Reads until there are so many bytes.
    pub(crate) async fn reach(&mut self, at: usize) -> Result<(), Broken> {
        while self.at < at {
            if !self.next().await? {
                return self.complete();
            }
        }
        Ok(())
    }

    /// Reads the rest. `Ok` means that all of it came, once, and that its end was told.
    pub(crate) async fn finish(&mut self) -> Result<Sum, Broken> {
        while self.next().await? {}
        self.complete()?;
        Ok(self.sum)
    }

    async fn next(&mut self) -> Result<bool, Broken> {
        let frame = match self.body.frame().await {
            Some(Ok(frame)) => frame,
            Some(Err(_)) => return Err(Broken::Lost),
            None => return Ok(false),
        };
        let (id, at, len) = (self.claim.id, self.at, self.claim.len);
        match frame.into_data() {
            Ok(data) => {
                if at + data.len() > len {
                    let wrong = format!("request {id}: more than its {len} B came");
                    return Err(Broken::Wrong(wrong));
                }
                if data != self.claim.bytes(at, data.len()) {
                    let wrong = format!("request {id} of {len} B: wrong bytes behind the {at}.");
                    return Err(Broken::Wrong(wrong));
                }
                self.sum.add(&data);
                self.at += data.len();
            }
            Err(frame) => self.trailers = frame.into_trailers().ok(),
        }
        Ok(true)
    }

    /// The end was told without an error: nothing may be missing.
    fn complete(&self) -> Result<(), Broken> {
        let Claim { id, len, .. } = self.claim;
        let sum = self
            .trailers
            .as_ref()
            .and_then(|trailers| trailers.get(SUM));
        let expected = self.claim.trailers.then(|| http::HeaderValue::from(id));
        if self.at != len {
            let wrong = format!("request {id} ended in peace after {} of {len} B", self.at);
            Err(Broken::Wrong(wrong))
        } else if sum != expected.as_ref() {
            let wrong = format!("request {id}: its trailers came as {sum:?}");
            Err(Broken::Wrong(wrong))
        } else {
            Ok(())
        }
    }
}
